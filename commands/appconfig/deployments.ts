import {
  type DeploymentEvent,
  type DeploymentState,
  type DeploymentSummary,
  GetDeploymentCommand,
  type GetDeploymentCommandOutput,
  paginateListDeployments,
  StartDeploymentCommand,
  StopDeploymentCommand,
} from '@aws-sdk/client-appconfig';
import type { Context } from '../shared/context.ts';
import { CommandFailed } from '../shared/failures.ts';
import type { OutputName, Stage } from '../shared/stage.ts';
import { INTEGRATIONS, type Profile, profileOf } from './configuration.ts';

/** How often a deployment is looked at, and for how long, in milliseconds. All our strategies deploy at once. */
const LOOK_EVERY_MS = 2_000;
const LOOK_LIMIT_MS = 10 * 60_000;

/** How long a command waits for another one's deployment without a bake time, in milliseconds. */
const FREE_LIMIT_MS = 60_000;

/** States in which functions get a deployment's version. */
const SERVING: readonly (DeploymentState | undefined)[] = ['COMPLETE', 'BAKING', 'DEPLOYING'];

const SERVED_OR_STARTING: readonly (DeploymentState | undefined)[] = [...SERVING, 'VALIDATING'];

const OCCUPYING: readonly (DeploymentState | undefined)[] = ['VALIDATING', 'DEPLOYING', 'BAKING', 'ROLLING_BACK'];

export interface ServedDeployment {
  readonly number: number;
  /** Of the hosted configuration. */
  readonly version: number;
  readonly state: DeploymentState | undefined;
}

/**
 * What functions have, or get within seconds.
 *
 * @param olderThan what they would have without the deployment of this number and those after it
 * @throws CommandFailed where nothing is deployed
 */
export async function servedDeployment(
  stage: Stage,
  profile: Profile = INTEGRATIONS,
  olderThan = Number.POSITIVE_INFINITY,
): Promise<ServedDeployment> {
  const deployments = await listDeployments(stage, profile);
  const served = deployments.find(
    ({ State, DeploymentNumber = 0 }) => SERVING.includes(State) && DeploymentNumber < olderThan,
  );
  const version = Number(served?.ConfigurationVersion);
  if (served?.DeploymentNumber !== undefined && Number.isInteger(version)) {
    return { number: served.DeploymentNumber, version, state: served.State };
  }
  throw new CommandFailed(`nothing is deployed in the ${profile.name} environment of stage ${stage.name}`);
}

/**
 * Waits for a deployment without a bake time, which ends within seconds: another command's.
 *
 * @throws CommandFailed where the environment takes no deployment now
 */
export async function untilFree(
  stage: Stage,
  { now, sleep }: Pick<Context, 'now' | 'sleep'>,
  profile: Profile = INTEGRATIONS,
): Promise<void> {
  const endMs = now() + FREE_LIMIT_MS;
  for (;;) {
    const busy = await occupant(stage, profile);
    if (busy === undefined) return;
    if (!busy.isShort || now() >= endMs) throw new CommandFailed(busy.reason);
    await sleep(LOOK_EVERY_MS);
  }
}

export interface Occupant {
  /** It has no bake time. */
  readonly isShort: boolean;
  /** Which deployment has to end first, and how it can be ended. */
  readonly reason: string;
}

/** The deployment that keeps its environment from taking another one; undefined where none runs. */
export async function occupant(stage: Stage, profile: Profile = INTEGRATIONS): Promise<Occupant | undefined> {
  const [newest] = await listDeployments(stage, profile);
  if (newest === undefined || !isOccupying(newest)) return undefined;
  const { DeploymentNumber: number = 0, State: state, FinalBakeTimeInMinutes: bakeMinutes = 0 } = newest;
  const bakes = state === 'BAKING' ? `, as it does for ${bakeMinutes} minutes` : '';
  const reason = `deployment ${number} is ${state}${bakes}: it has to end first, since an environment runs one at a time.
Try again then. To end it now, and undo what it deployed: ${profile.stopCommand(stage, number)}`;
  return { isShort: state !== 'BAKING' && bakeMinutes === 0, reason };
}

/** The number of an environment's newest deployment, whatever became of it; 0 where there is none. */
export async function latestDeploymentOf(stage: Stage, profile: Profile): Promise<number> {
  const [newest] = await listDeployments(stage, profile);
  return newest?.DeploymentNumber ?? 0;
}

/** Whether its environment takes no other deployment. */
export function isOccupying({ State }: DeploymentSummary): boolean {
  return OCCUPYING.includes(State);
}

/** Waits until functions can have a deployment's version. @throws CommandFailed where it was taken back */
export async function untilServed(
  stage: Stage,
  deployment: number,
  { now, sleep }: Context,
  profile: Profile = INTEGRATIONS,
): Promise<void> {
  const endMs = now() + LOOK_LIMIT_MS;
  for (;;) {
    const { State, EventLog } = await getDeployment(stage, profile, deployment);
    if (State === 'COMPLETE' || State === 'BAKING') return;
    if (State !== 'VALIDATING' && State !== 'DEPLOYING') {
      throw takenBack(deployment, State, EventLog);
    }
    if (now() >= endMs) throw new CommandFailed(`deployment ${deployment} is still ${State} after 10 minutes`);
    await sleep(LOOK_EVERY_MS);
  }
}

/** A deployment was rolled back by an alarm, or reverted by an operator. */
export class TakenBack extends CommandFailed {}

export function takenBack(
  deployment: number,
  state: DeploymentState | undefined,
  events: readonly DeploymentEvent[] = [],
): TakenBack {
  const why = events[0]?.Description;
  return new TakenBack(`deployment ${deployment} was taken back (${state})${why === undefined ? '' : `: ${why}`}`);
}

export function getDeployment(stage: Stage, profile: Profile, number: number): Promise<GetDeploymentCommandOutput> {
  return stage.appConfig.send(new GetDeploymentCommand({ ...environmentOf(stage, profile), DeploymentNumber: number }));
}

/** Of this profile, newest first. */
export async function listDeployments(stage: Stage, profile: Profile): Promise<DeploymentSummary[]> {
  const profileId = stage.output(profile.profile);
  const found: DeploymentSummary[] = [];
  const pages = paginateListDeployments({ client: stage.appConfig }, environmentOf(stage, profile));
  for await (const { Items = [] } of pages) {
    found.push(...Items.filter(({ ConfigurationProfileId = profileId }) => ConfigurationProfileId === profileId));
  }
  return found.sort((one, other) => (other.DeploymentNumber ?? 0) - (one.DeploymentNumber ?? 0));
}

export interface DeploymentOrder {
  readonly version: number;
  readonly strategy: OutputName;
  readonly description: string;
  /** AppConfig answers ConflictException where it is another by now; undefined where that does not matter. */
  readonly latestDeployment?: number;
}

/**
 * If the response to a start is lost, the SDK repeats the call, and AppConfig refuses the repeat because of the deployment
 * that the first call started: that one is returned.
 *
 * @returns the deployment's number
 */
export async function startDeployment(stage: Stage, profile: Profile, order: DeploymentOrder): Promise<number> {
  const before = order.latestDeployment ?? (await latestDeploymentOf(stage, profile));
  try {
    return await requestDeployment(stage, profile, order);
  } catch (thrown) {
    if ((thrown as Error).name !== 'ConflictException') throw thrown;
    const [newest] = await listDeployments(stage, profile);
    const { DeploymentNumber: number = 0, ConfigurationVersion: version, State: state } = newest ?? {};
    const isOurs = number > before && version === String(order.version) && SERVED_OR_STARTING.includes(state);
    if (!isOurs) throw thrown;
    return number;
  }
}

async function requestDeployment(
  stage: Stage,
  profile: Profile,
  { version, strategy, description, latestDeployment }: DeploymentOrder,
): Promise<number> {
  const { DeploymentNumber } = await stage.appConfig.send(
    new StartDeploymentCommand({
      ...environmentOf(stage, profile),
      ...profileOf(stage, profile),
      ConfigurationVersion: String(version),
      DeploymentStrategyId: stage.output(strategy),
      Description: description,
      LatestDeploymentNumber: latestDeployment,
    }),
  );
  if (DeploymentNumber === undefined) throw new CommandFailed('AppConfig started a deployment without a number');
  return DeploymentNumber;
}

/** Ends a deployment that is under way, or undoes one that ended within 72 hours: functions get the one before it. */
export async function stopDeployment(stage: Stage, profile: Profile, number: number): Promise<void> {
  await stage.appConfig.send(
    new StopDeploymentCommand({ ...environmentOf(stage, profile), DeploymentNumber: number, AllowRevert: true }),
  );
}

/** Of a profile, as AppConfig's calls name it. */
export function environmentOf(stage: Stage, { environment }: Profile) {
  return { ApplicationId: stage.output('AppConfigApplicationId'), EnvironmentId: stage.output(environment) };
}
