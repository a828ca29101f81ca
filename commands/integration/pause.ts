import { type Change, deployChange, POLL_INTERVAL_MS } from '../appconfig/deployed-document.ts';
import { untilServed } from '../appconfig/deployments.ts';
import { deployDespiteAlarms } from '../appconfig/without-monitors.ts';
import type { Context } from '../shared/context.ts';
import type { Stage } from '../shared/stage.ts';
import { INTEGRATIONS } from './deployed-integrations.ts';
import { entryOf, type IntegrationsDocument, withAllPaused, withChangedEntry } from './integrations-document.ts';

export interface PauseOptions {
  readonly stage: string;
  /** Undefined: all of them together. */
  readonly id: string | undefined;
}

/** `integration pause`: from now on deliveries are parked, and consume no attempts. */
export async function pause({ stage: stageName, id }: PauseOptions, context: Context): Promise<number> {
  const edit: Change<IntegrationsDocument>['edit'] = (document) => {
    const paused = id === undefined ? document.fields.paused : entryOf(document, id).paused;
    if (paused === true) return undefined;
    return id === undefined ? withAllPaused(document, true) : withChangedEntry(document, id, { paused: true });
  };
  const whose = id === undefined ? 'all integrations' : `integration ${id}`;
  const stage = await context.openStage(stageName);
  await deployAtOnce(stage, edit, `pause ${whose}`, `${whose}: paused already`, context);
  return 0;
}

/**
 * Changes the deployed document without a bake time, whichever alarm is in ALARM, and waits until functions can have it.
 *
 * @returns whether there was something to change
 */
export async function deployAtOnce(
  stage: Stage,
  edit: Change<IntegrationsDocument>['edit'],
  description: string,
  nothingToDo: string,
  context: Context,
): Promise<boolean> {
  const { print } = context.terminal;
  const deploy = async () => {
    const deployment = await deployChange(INTEGRATIONS, stage, { edit, description }, context);
    if (deployment !== undefined) await untilServed(stage, deployment, context, INTEGRATIONS);
    return deployment;
  };
  const deployment = await deployDespiteAlarms(stage, INTEGRATIONS, print, deploy);
  if (deployment === undefined) {
    print(`nothing to do: ${nothingToDo}`);
    return false;
  }
  print(`done: ${description} (stage ${stage.name}). Functions notice within ${POLL_INTERVAL_MS / 1000} s.`);
  return true;
}
