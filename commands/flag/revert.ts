import type { DeploymentState } from '@aws-sdk/client-appconfig';
import { readVersion } from '../appconfig/configuration.ts';
import { POLL_INTERVAL_MS } from '../appconfig/deployed-document.ts';
import { getDeployment, listDeployments, servedDeployment, stopDeployment } from '../appconfig/deployments.ts';
import { mayGoOn } from '../shared/confirm.ts';
import type { Context } from '../shared/context.ts';
import { CommandFailed } from '../shared/failures.ts';
import type { Stage } from '../shared/stage.ts';
import { FLAG, type FlagDocument, readFlagDocument } from './flag-document.ts';
import { findKnownEnterprises, formatChange } from './format-flag.ts';

/** How often a deployment that is taken back is looked at, and for how long, in milliseconds. */
const LOOK_EVERY_MS = 2_000;
const LOOK_LIMIT_MS = 10 * 60_000;

const TAKEN_BACK: readonly (DeploymentState | undefined)[] = ['ROLLED_BACK', 'REVERTED'];

export interface RevertOptions {
  readonly stage: string;
  readonly yes?: true | undefined;
}

/**
 * `flag revert`: undoes the newest deployment, under way or ended, so that functions get the one before it. Asks first
 * where that switches the flag on, as after `flag disable`.
 */
export async function revert({ stage: stageName, yes }: RevertOptions, context: Context): Promise<number> {
  const { print } = context.terminal;
  const stage = await context.openStage(stageName);
  const [newest] = await listDeployments(stage, FLAG);
  const { DeploymentNumber: number, State: state } = newest ?? {};
  if (number === undefined)
    throw new CommandFailed(`nothing is deployed in the flag environment of stage ${stageName}`);
  if (TAKEN_BACK.includes(state)) {
    print(`nothing to do: deployment ${number}, the newest, is taken back already (${state})`);
    return 0;
  }
  const { number: earlier, version } = await earlierThan(stage, number);
  if (state !== 'ROLLING_BACK') {
    const after = FLAG.read(await readVersion(stage, FLAG, version));
    const before = await readBroken(stage, Number(newest?.ConfigurationVersion));
    print(
      `deployment ${number} (${state}) is undone: functions get version ${version} again, of deployment ${earlier}`,
    );
    print(
      typeof before === 'string' ? before : formatChange(before.flag, after.flag, await findKnownEnterprises(stage)),
    );
    const isSwitchedOn = after.flag.enabled && (typeof before === 'string' || !before.flag.enabled);
    const question = `That switches the flag of stage ${stage.name} on. Go on?`;
    if (isSwitchedOn && !(await mayGoOn(question, yes, context))) return 1;
    await takeBack(stage, number);
  }
  await untilTakenBack(stage, number, context);
  print(`done: revert (stage ${stage.name}). Functions notice within ${POLL_INTERVAL_MS / 1000} s.`);
  return 0;
}

async function earlierThan(stage: Stage, number: number) {
  return servedDeployment(stage, FLAG, number).catch((thrown: unknown) => {
    if (!(thrown instanceof CommandFailed)) throw thrown;
    throw new CommandFailed(`nothing was deployed before deployment ${number}, so it cannot be undone`);
  });
}

/** The document that is about to go; in words why it cannot be read, which is no reason to keep it. */
async function readBroken(stage: Stage, version: number): Promise<FlagDocument | string> {
  try {
    return readFlagDocument(await readVersion(stage, FLAG, version));
  } catch (thrown) {
    if (!(thrown instanceof CommandFailed)) throw thrown;
    return `for whom that changes what cannot be told: of version ${version}, ${thrown.message}`;
  }
}

/** If its response is lost, the SDK repeats the call, and AppConfig refuses that, as it does a second operator's. */
async function takeBack(stage: Stage, number: number): Promise<void> {
  try {
    await stopDeployment(stage, FLAG, number);
  } catch (thrown) {
    const { name, message } = thrown as Error;
    if (name !== 'BadRequestException') throw thrown;
    const { State: state } = await getDeployment(stage, FLAG, number);
    if (TAKEN_BACK.includes(state) || state === 'ROLLING_BACK') return;
    throw new CommandFailed(
      `AppConfig does not take deployment ${number} back (${message}): it does so within 72 hours. Change the flag the other way instead`,
    );
  }
}

async function untilTakenBack(stage: Stage, number: number, { now, sleep }: Context): Promise<void> {
  const endMs = now() + LOOK_LIMIT_MS;
  for (;;) {
    const { State: state } = await getDeployment(stage, FLAG, number);
    if (TAKEN_BACK.includes(state)) return;
    if (now() >= endMs) throw new CommandFailed(`deployment ${number} is still ${state} after 10 minutes`);
    await sleep(LOOK_EVERY_MS);
  }
}
