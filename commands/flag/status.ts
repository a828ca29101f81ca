import { evaluateFlag } from '../../lambdas/flag/evaluate-flag.ts';
import { FLAG_KEY, type Flag } from '../../lambdas/flag/flag-document.ts';
import type { Context } from '../shared/context.ts';
import { CommandFailed } from '../shared/failures.ts';
import type { Part } from '../status/read-status.ts';
import { formatTimeLeft } from './follow-deployment.ts';
import { formatEnterprises, formatFlag, warnings } from './format-flag.ts';
import { type FlagReading, type NewestDeployment, readFlag } from './read-flag.ts';

/** A `disable` that was killed leaves the environment without monitors. */
export const UNMONITORED =
  'No alarm monitors the flag, so AppConfig rolls nothing back by itself: add the monitors to the environment in the console';

export interface StatusOptions {
  readonly stage: string;
  readonly json?: true | undefined;
}

/** `flag status`: the deployed flag, the newest deployment's progress, and which enterprises have learning time, and why. */
export async function status({ stage: stageName, json }: StatusOptions, context: Context): Promise<number> {
  const { print } = context.terminal;
  const stage = await context.openStage(stageName);
  const reading = await readFlag(stage, context.now());
  if (json) {
    print(JSON.stringify(statusFields(stage.name, reading)));
    return 0;
  }
  print(`${FLAG_KEY}, stage ${stage.name}`);
  print(formatNewest(orFail(reading.newest)));
  if (orFail(reading.monitors).length === 0) print(UNMONITORED);
  const { flag, version, deployment, config_version } = orFail(reading.deployed);
  const { known } = reading;
  print(
    `functions have version ${version}, of deployment ${deployment}, config_version ${config_version}:\n${formatFlag(flag)}`,
  );
  for (const warning of warnings(flag, known)) print(warning);
  print(`\n${formatEnterprises(flag, known)}`);
  return 0;
}

/** @throws CommandFailed where it could not be read */
function orFail<T>(part: Part<T>): T {
  if (isFailed(part)) throw new CommandFailed(part.error);
  return part;
}

function isFailed<T>(part: Part<T>): part is { readonly error: string } {
  return typeof part === 'object' && part !== null && 'error' in part;
}

function statusFields(stageName: string, { newest, deployed, monitors, known }: FlagReading) {
  const { flag, version, deployment, config_version } = orFail(deployed);
  const shown = orFail(newest);
  return {
    ...{ stage: stageName, feature: FLAG_KEY, version, deployment, config_version, flag },
    newest_deployment: shown === null ? null : deploymentFields(shown),
    is_watched: orFail(monitors).length > 0,
    enterprises: 'unknown' in known ? null : known.ids.map((id) => enterpriseFields(flag, id)),
  };
}

function enterpriseFields(flag: Flag, id: string) {
  const { isOn, reason } = evaluateFlag(flag, id);
  return { id, is_on: isOn, reason };
}

function deploymentFields({ number, version, state, left_ms }: NewestDeployment) {
  return { number, version, state, ...(left_ms !== undefined && { left_ms }) };
}

function formatNewest(newest: NewestDeployment | null): string {
  if (newest === null) return 'no deployment yet';
  const { number, version, state, description, left_ms, last_event = [] } = newest;
  const about = description === undefined ? '' : ` (${description})`;
  const line = `newest deployment ${number}, of version ${version}${about}: ${state}`;
  if (state === 'ROLLED_BACK' || state === 'ROLLING_BACK') return [line, last_event].flat().join(', ');
  return left_ms === undefined ? line : `${line}, ${formatTimeLeft(left_ms)}`;
}
