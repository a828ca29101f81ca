import type { DeploymentSummary } from '@aws-sdk/client-appconfig';
import { configVersion, evaluateFlag } from '../../lambdas/flag/evaluate-flag.ts';
import { FLAG_KEY, type Flag } from '../../lambdas/flag/flag-document.ts';
import { readDeployed } from '../appconfig/deployed-document.ts';
import { getDeployment, isOccupying, listDeployments } from '../appconfig/deployments.ts';
import { monitorsOf } from '../appconfig/without-monitors.ts';
import type { Context } from '../shared/context.ts';
import type { Stage } from '../shared/stage.ts';
import { FLAG } from './flag-document.ts';
import { formatTimeLeft, leftMs } from './follow-deployment.ts';
import { findKnownEnterprises, formatEnterprises, formatFlag, warnings } from './format-flag.ts';

/** A `disable` that was killed leaves the environment without monitors. */
const UNMONITORED =
  'No alarm monitors the flag, so AppConfig rolls nothing back by itself: add the monitors to the environment in the console';

export interface StatusOptions {
  readonly stage: string;
  readonly json?: true | undefined;
}

/** `flag status`: the deployed flag, the newest deployment's progress, and which enterprises have learning time, and why. */
export async function status({ stage: stageName, json }: StatusOptions, context: Context): Promise<number> {
  const { print } = context.terminal;
  const stage = await context.openStage(stageName);
  if (json) {
    print(JSON.stringify(await statusFields(stage, context)));
    return 0;
  }
  print(`${FLAG_KEY}, stage ${stage.name}`);
  print(await formatNewest(stage, context));
  if ((await monitorsOf(stage, FLAG)).length === 0) print(UNMONITORED);
  const { document, version, label, deployment } = await readDeployed(FLAG, stage);
  const known = await findKnownEnterprises(stage);
  const named = `config_version ${configVersion(document.flag, label)}`;
  print(`functions have version ${version}, of deployment ${deployment}, ${named}:\n${formatFlag(document.flag)}`);
  for (const warning of warnings(document.flag, known)) print(warning);
  print(`\n${formatEnterprises(document.flag, known)}`);
  return 0;
}

async function statusFields(stage: Stage, { now }: Context) {
  const [newest] = await listDeployments(stage, FLAG);
  const { document, version, label, deployment } = await readDeployed(FLAG, stage);
  const known = await findKnownEnterprises(stage);
  return {
    ...{ stage: stage.name, feature: FLAG_KEY, version, deployment },
    config_version: configVersion(document.flag, label),
    flag: document.flag,
    newest_deployment: newest === undefined ? null : deploymentFields(newest, now()),
    is_watched: (await monitorsOf(stage, FLAG)).length > 0,
    enterprises: 'unknown' in known ? null : known.ids.map((id) => enterpriseFields(document.flag, id)),
  };
}

function enterpriseFields(flag: Flag, id: string) {
  const { isOn, reason } = evaluateFlag(flag, id);
  return { id, is_on: isOn, reason };
}

function deploymentFields(newest: DeploymentSummary, nowMs: number) {
  const { DeploymentNumber, ConfigurationVersion, State } = newest;
  const left = isOccupying(newest) ? { left_ms: leftMs(newest, nowMs) } : {};
  return { number: DeploymentNumber, version: ConfigurationVersion, state: State, ...left };
}

/** The newest deployment, which functions may not have: it may be rolled back. */
async function formatNewest(stage: Stage, { now }: Context): Promise<string> {
  const [newest] = await listDeployments(stage, FLAG);
  const { DeploymentNumber: number, ConfigurationVersion: version, State: state } = newest ?? {};
  if (newest === undefined || number === undefined) return 'no deployment yet';
  const { EventLog: events, Description: description } = await getDeployment(stage, FLAG, number);
  const about = description === undefined ? '' : ` (${description})`;
  const line = `newest deployment ${number}, of version ${version}${about}: ${state}`;
  if (state === 'ROLLED_BACK' || state === 'ROLLING_BACK')
    return [line, events?.[0]?.Description ?? []].flat().join(', ');
  return isOccupying(newest) ? `${line}, ${formatTimeLeft(leftMs(newest, now()))}` : line;
}
