import type { DeploymentState } from '@aws-sdk/client-appconfig';
import { readVersion } from '../appconfig/configuration.ts';
import { POLL_INTERVAL_MS } from '../appconfig/deployed-document.ts';
import {
  getDeployment,
  listDeployments,
  ROLLED_BACK,
  servedDeployment,
  stopDeployment,
  untilState,
} from '../appconfig/deployments.ts';
import { mayGoOn } from '../shared/confirm.ts';
import type { Context } from '../shared/context.ts';
import { CommandFailed } from '../shared/failures.ts';
import type { Stage } from '../shared/stage.ts';
import { FLAG, type FlagDocument, readFlagDocument } from './flag-document.ts';
import { findKnownEnterprises, formatChange } from './format-flag.ts';

export interface RevertOptions {
  readonly stage: string;
  readonly yes?: true | undefined;
  /** Undoes this deployment only. */
  readonly ifDeployment?: number | undefined;
}

/** A deployment to undo. */
export interface FoundRevert {
  readonly number: number;
  readonly state: DeploymentState | undefined;
  /** Of the hosted configuration. */
  readonly undoneVersion: number;
  /** The deployment that functions get again, and its version. */
  readonly earlier: number;
  readonly version: number;
}

/**
 * Finds the newest deployment, and the one that functions get again.
 *
 * @returns a text if the newest deployment is rolled back already
 * @throws CommandFailed where there is nothing to undo
 */
export async function findRevert(stage: Stage): Promise<FoundRevert | string> {
  const [newest] = await listDeployments(stage, FLAG);
  const { DeploymentNumber: number, State: state } = newest ?? {};
  if (number === undefined)
    throw new CommandFailed(`nothing is deployed in the flag environment of stage ${stage.name}`);
  if (ROLLED_BACK.includes(state)) return `deployment ${number}, the newest, is rolled back already (${state})`;
  const { number: earlier, version } = await earlierThan(stage, number);
  return { number, state, undoneVersion: Number(newest?.ConfigurationVersion), earlier, version };
}

/** The flag before and after a revert. */
export interface RevertedFlag {
  /** The document that is undone; a text if it cannot be read, which must not prevent that. */
  readonly before: FlagDocument | string;
  readonly after: FlagDocument;
  /** Whether that switches the flag on, or may do so. */
  readonly isSwitchedOn: boolean;
}

/** @throws CommandFailed where the earlier version cannot be read */
export async function readRevertedFlag(stage: Stage, { version, undoneVersion }: FoundRevert): Promise<RevertedFlag> {
  const after = FLAG.read(await readVersion(stage, FLAG, version));
  const before = await readBroken(stage, undoneVersion);
  return { before, after, isSwitchedOn: after.flag.enabled && (typeof before === 'string' || !before.flag.enabled) };
}

/**
 * `flag revert`: undoes the newest deployment, in progress or complete, so that functions get the one before it. Asks first
 * where that switches the flag on, as after `flag disable`.
 */
export async function revert(
  { stage: stageName, yes, ifDeployment }: RevertOptions,
  context: Context,
): Promise<number> {
  const { print } = context.terminal;
  const stage = await context.openStage(stageName);
  const found = await findRevert(stage);
  if (typeof found === 'string') {
    print(`nothing to do: ${found}`);
    return 0;
  }
  const { number, state, earlier, version } = found;
  if (ifDeployment !== undefined && number !== ifDeployment) {
    throw new CommandFailed(`nothing is undone: the newest deployment is ${number} by now, not ${ifDeployment}`);
  }
  if (state !== 'ROLLING_BACK') {
    const { before, after, isSwitchedOn } = await readRevertedFlag(stage, found);
    print(`deployment ${number} (${state}) is undone: functions get version ${version} of deployment ${earlier} again`);
    print(
      typeof before === 'string' ? before : formatChange(before.flag, after.flag, await findKnownEnterprises(stage)),
    );
    const question = `That switches the flag of stage ${stage.name} on. Go on?`;
    if (isSwitchedOn && !(await mayGoOn(question, yes, context))) return 1;
    await rollBack(stage, number);
  }
  await untilState(ROLLED_BACK, stage, FLAG, number, context);
  print(`done: revert (stage ${stage.name}). Functions notice within ${POLL_INTERVAL_MS / 1000} s.`);
  return 0;
}

async function earlierThan(stage: Stage, number: number) {
  return servedDeployment(stage, FLAG, number).catch((thrown: unknown) => {
    if (!(thrown instanceof CommandFailed)) throw thrown;
    throw new CommandFailed(`nothing was deployed before deployment ${number}, so it cannot be undone`);
  });
}

async function readBroken(stage: Stage, version: number): Promise<FlagDocument | string> {
  try {
    return readFlagDocument(await readVersion(stage, FLAG, version));
  } catch (thrown) {
    if (!(thrown instanceof CommandFailed)) throw thrown;
    return `Which enterprises that affects is not known: in version ${version}, ${thrown.message}`;
  }
}

/** If the response is lost, the SDK repeats the call, and AppConfig refuses the repeat, as it does a second operator's. */
async function rollBack(stage: Stage, number: number): Promise<void> {
  try {
    await stopDeployment(stage, FLAG, number);
  } catch (thrown) {
    const { name, message } = thrown as Error;
    if (name !== 'BadRequestException') throw thrown;
    const { State: state } = await getDeployment(stage, FLAG, number);
    if (ROLLED_BACK.includes(state) || state === 'ROLLING_BACK') return;
    throw new CommandFailed(
      `AppConfig does not roll deployment ${number} back (${message}): it does so within 72 hours. Change the flag back by a new deployment instead`,
    );
  }
}
