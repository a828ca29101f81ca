import type { DeploymentSummary } from '@aws-sdk/client-appconfig';
import { readVersion } from '../appconfig/configuration.ts';
import {
  type DeploymentOrder,
  isOccupying,
  listDeployments,
  startDeployment,
  stopDeployment,
} from '../appconfig/deployments.ts';
import type { Context } from '../shared/context.ts';
import { CommandFailed } from '../shared/failures.ts';
import type { Stage } from '../shared/stage.ts';
import { FLAG, readFlagDocument } from './flag-document.ts';

/** How often AppConfig is asked to take the deployment, and for how long, in milliseconds. */
const TRY_EVERY_MS = 2_000;
const TRY_LIMIT_MS = 2 * 60_000;

/**
 * Takes back what is under way; but not what another operator's `disable` has started: that one only has to end.
 *
 * @returns the deployment's number; undefined where there is none, or AppConfig does not stop it
 */
export async function stopRunning(stage: Stage, print: (line: string) => void): Promise<number | undefined> {
  const [newest] = await listDeployments(stage, FLAG);
  const { DeploymentNumber: number, State: state } = newest ?? {};
  if (newest === undefined || number === undefined || !isOccupying(newest)) return undefined;
  if (await isSwitchingOff(stage, newest)) return undefined;
  if (state !== 'ROLLING_BACK') {
    try {
      await stopDeployment(stage, FLAG, number);
      print(`deployment ${number} (${state}) is stopped and taken back`);
    } catch (thrown) {
      // Meanwhile it has ended, or somebody else has stopped it: whether it is still in the way shows at the next step.
      if ((thrown as Error).name !== 'BadRequestException') throw thrown;
    }
  }
  return number;
}

/** Whether a deployment switches the flag off without a bake time, in which an alarm could take it back. */
async function isSwitchingOff(stage: Stage, deployment: DeploymentSummary): Promise<boolean> {
  const { State: state, FinalBakeTimeInMinutes: bakeMinutes, ConfigurationVersion: version } = deployment;
  if (state === 'ROLLING_BACK' || bakeMinutes !== 0) return false;
  const document = await readVersion(stage, FLAG, Number(version)).then(readFlagDocument, () => undefined);
  return document?.flag.enabled === false;
}

/**
 * Deploys at once and without a bake time, whatever else is under way: AppConfig refuses while a deployment is taken
 * back, and somebody may start another one.
 *
 * @returns the deployment's number
 * @throws CommandFailed where AppConfig still refuses after two minutes
 */
export async function deployAgainstAll(
  stage: Stage,
  order: Pick<DeploymentOrder, 'version' | 'description'>,
  { terminal, now, sleep }: Context,
): Promise<number> {
  const endMs = now() + TRY_LIMIT_MS;
  for (;;) {
    try {
      return await startDeployment(stage, FLAG, { ...order, strategy: 'EmergencyStrategyId' });
    } catch (thrown) {
      if ((thrown as Error).name !== 'ConflictException') throw thrown;
    }
    if (now() >= endMs) {
      const [newest] = await listDeployments(stage, FLAG);
      throw new CommandFailed(
        `the flag is not off: deployment ${newest?.DeploymentNumber} is still ${newest?.State} after ${TRY_LIMIT_MS / 60_000} minutes, and AppConfig takes no other. Give the same command again`,
      );
    }
    await stopRunning(stage, terminal.print);
    await sleep(TRY_EVERY_MS);
  }
}
