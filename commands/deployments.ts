import {
  type DeploymentState,
  type DeploymentSummary,
  GetDeploymentCommand,
  paginateListDeployments,
} from '@aws-sdk/client-appconfig';
import { CommandFailed } from './command-failed.ts';
import type { Context } from './context.ts';
import type { Stage } from './stage.ts';

/** How often a deployment is looked at, and for how long, in milliseconds. All our strategies deploy at once. */
const LOOK_EVERY_MS = 2_000;
const LOOK_LIMIT_MS = 10 * 60_000;

/** States in which functions get a deployment's version. */
const SERVING: readonly (DeploymentState | undefined)[] = ['COMPLETE', 'BAKING', 'DEPLOYING'];

/** States in which the environment takes no other deployment. */
const OCCUPYING: readonly (DeploymentState | undefined)[] = ['VALIDATING', 'DEPLOYING', 'BAKING', 'ROLLING_BACK'];

export interface ServedDeployment {
  readonly number: number;
  /** Of the hosted configuration. */
  readonly version: number;
  readonly state: DeploymentState | undefined;
}

/** What functions have, or get within seconds. @throws CommandFailed where nothing is deployed */
export async function servedDeployment(stage: Stage): Promise<ServedDeployment> {
  const served = (await listDeployments(stage)).find(({ State }) => SERVING.includes(State));
  const version = Number(served?.ConfigurationVersion);
  if (served?.DeploymentNumber !== undefined && Number.isInteger(version)) {
    return { number: served.DeploymentNumber, version, state: served.State };
  }
  throw new CommandFailed(`nothing is deployed in the integrations environment of stage ${stage.name}`);
}

/** @throws CommandFailed where the environment would take no deployment now */
export async function requireFree(stage: Stage): Promise<void> {
  const busy = await occupant(stage);
  if (busy !== undefined) throw new CommandFailed(busy);
}

/** Which deployment has to end first, and how it can be ended; undefined where none runs. */
export async function occupant(stage: Stage): Promise<string | undefined> {
  const [newest] = await listDeployments(stage);
  if (newest === undefined || !OCCUPYING.includes(newest.State)) return undefined;
  const { DeploymentNumber: number, State: state, FinalBakeTimeInMinutes: bakeMinutes = 0 } = newest;
  const bakes = state === 'BAKING' ? `, as it does for ${bakeMinutes} minutes` : '';
  const where = `--application-id ${stage.output('AppConfigApplicationId')} --environment-id ${stage.output('IntegrationsEnvironmentId')}`;
  const stop = stage.awsCli('appconfig', `stop-deployment ${where} --deployment-number ${number} --allow-revert`);
  return `deployment ${number} is ${state}${bakes}: it has to end first, since an environment runs one at a time.
Try again then. To end it now, and undo what it deployed: ${stop}`;
}

/** Waits until functions can have a deployment's version. @throws CommandFailed where it was taken back */
export async function untilServed(stage: Stage, deployment: number, { now, sleep }: Context): Promise<void> {
  const endMs = now() + LOOK_LIMIT_MS;
  for (;;) {
    const { State, EventLog } = await stage.appConfig.send(
      new GetDeploymentCommand({
        ApplicationId: stage.output('AppConfigApplicationId'),
        EnvironmentId: stage.output('IntegrationsEnvironmentId'),
        DeploymentNumber: deployment,
      }),
    );
    if (State === 'COMPLETE' || State === 'BAKING') return;
    if (State !== 'VALIDATING' && State !== 'DEPLOYING') {
      const why = EventLog?.[0]?.Description;
      throw new CommandFailed(
        `deployment ${deployment} was taken back (${State})${why === undefined ? '' : `: ${why}`}`,
      );
    }
    if (now() >= endMs) throw new CommandFailed(`deployment ${deployment} is still ${State} after 10 minutes`);
    await sleep(LOOK_EVERY_MS);
  }
}

/** Of this profile, newest first. */
async function listDeployments(stage: Stage): Promise<DeploymentSummary[]> {
  const ApplicationId = stage.output('AppConfigApplicationId');
  const EnvironmentId = stage.output('IntegrationsEnvironmentId');
  const profile = stage.output('IntegrationsProfileId');
  const found: DeploymentSummary[] = [];
  for await (const { Items = [] } of paginateListDeployments(
    { client: stage.appConfig },
    { ApplicationId, EnvironmentId },
  )) {
    found.push(...Items.filter(({ ConfigurationProfileId = profile }) => ConfigurationProfileId === profile));
  }
  return found.sort((one, other) => (other.DeploymentNumber ?? 0) - (one.DeploymentNumber ?? 0));
}
