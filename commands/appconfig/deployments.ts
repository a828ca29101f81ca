import {
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
import { type Profile, profileOf } from './configuration.ts';

/** Interval and limit of polling a deployment, in milliseconds. All our strategies deploy at once. */
const LOOK_EVERY_MS = 2_000;
const LOOK_LIMIT_MS = 10 * 60_000;

/** Limit of a wait for another command's deployment without a bake time, in milliseconds. */
const FREE_LIMIT_MS = 60_000;

/** States in which functions receive a deployment's version. */
const SERVING: readonly (DeploymentState | undefined)[] = ['COMPLETE', 'BAKING', 'DEPLOYING'];

const SERVED_OR_STARTING: readonly (DeploymentState | undefined)[] = [...SERVING, 'VALIDATING'];

/** States of a deployment that was rolled back by an alarm, or reverted by an operator. */
export const ROLLED_BACK: readonly (DeploymentState | undefined)[] = ['ROLLED_BACK', 'REVERTED'];

/** States in which an environment starts no other deployment. */
const OCCUPYING: readonly (DeploymentState | undefined)[] = ['VALIDATING', 'DEPLOYING', 'BAKING', 'ROLLING_BACK'];

export interface ServedDeployment {
  readonly number: number;
  /** Of the hosted configuration. */
  readonly version: number;
  readonly state: DeploymentState | undefined;
}

/**
 * The deployment that functions have, or receive within seconds.
 *
 * @param olderThan only deployments before this number
 * @throws CommandFailed where nothing is deployed
 */
export async function servedDeployment(
  stage: Stage,
  profile: Profile,
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
 * Waits for another command's deployment that has no bake time, and ends within seconds.
 *
 * @throws CommandFailed where the environment starts no deployment now
 */
export async function untilFree(
  stage: Stage,
  { now, sleep }: Pick<Context, 'now' | 'sleep'>,
  profile: Profile,
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
  /** Which deployment has to end first, and the command that stops it. */
  readonly reason: string;
}

/** The deployment that is in progress; undefined where none is. */
export async function occupant(stage: Stage, profile: Profile): Promise<Occupant | undefined> {
  const [newest] = await listDeployments(stage, profile);
  if (newest === undefined || !isOccupying(newest)) return undefined;
  const { DeploymentNumber: number = 0, State: state, FinalBakeTimeInMinutes: bakeMinutes = 0 } = newest;
  const bakes = state === 'BAKING' ? ` for ${bakeMinutes} minutes` : '';
  const reason = `deployment ${number} is ${state}${bakes}: it has to end first, since an environment runs one at a time.
Try again then. To stop and undo it now: ${profile.stopCommand(stage, number)}`;
  return { isShort: state !== 'BAKING' && bakeMinutes === 0, reason };
}

/** The number of an environment's newest deployment, in whatever state; 0 where there is none. */
export async function latestDeploymentOf(stage: Stage, profile: Profile): Promise<number> {
  const [newest] = await listDeployments(stage, profile);
  return newest?.DeploymentNumber ?? 0;
}

/** Whether it is in progress, so that its environment starts no other deployment. */
export function isOccupying({ State }: DeploymentSummary): boolean {
  return OCCUPYING.includes(State);
}

/** Waits until functions can have a deployment's version. @throws RolledBack */
export function untilServed(stage: Stage, deployment: number, context: Context, profile: Profile): Promise<void> {
  return untilState(['COMPLETE', 'BAKING'], stage, profile, deployment, context);
}

/** Waits for one of these states. @throws RolledBack; CommandFailed after 10 minutes */
export async function untilState(
  states: readonly (DeploymentState | undefined)[],
  stage: Stage,
  profile: Profile,
  number: number,
  { now, sleep }: Context,
): Promise<void> {
  const endMs = now() + LOOK_LIMIT_MS;
  for (;;) {
    const deployment = await getDeployment(stage, profile, number);
    if (states.includes(deployment.State)) return;
    if (ROLLED_BACK.includes(deployment.State)) throw new RolledBack(number, deployment);
    if (now() >= endMs) throw new CommandFailed(`deployment ${number} is still ${deployment.State} after 10 minutes`);
    await sleep(LOOK_EVERY_MS);
  }
}

/** A deployment was rolled back by an alarm, or reverted by an operator. */
export class RolledBack extends CommandFailed {
  constructor(number: number, { State, EventLog: events }: GetDeploymentCommandOutput) {
    const why = events?.[0]?.Description;
    super(`deployment ${number} was rolled back (${State})${why === undefined ? '' : `: ${why}`}`);
  }
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
  /** AppConfig returns ConflictException where the latest is another by now; undefined where that does not matter. */
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
    const { DeploymentNumber } = await stage.appConfig.send(
      new StartDeploymentCommand({
        ...environmentOf(stage, profile),
        ...profileOf(stage, profile),
        ConfigurationVersion: String(order.version),
        DeploymentStrategyId: stage.output(order.strategy),
        Description: order.description,
        LatestDeploymentNumber: order.latestDeployment,
      }),
    );
    if (DeploymentNumber === undefined) throw new CommandFailed('AppConfig started a deployment without a number');
    return DeploymentNumber;
  } catch (thrown) {
    if ((thrown as Error).name !== 'ConflictException') throw thrown;
    const [newest] = await listDeployments(stage, profile);
    const { DeploymentNumber: number = 0, ConfigurationVersion: version, State: state } = newest ?? {};
    const isOurs = number > before && version === String(order.version) && SERVED_OR_STARTING.includes(state);
    if (!isOurs) throw thrown;
    return number;
  }
}

/** Stops a deployment that is in progress, or undoes one that ended within 72 hours: functions get the one before it. */
export async function stopDeployment(stage: Stage, profile: Profile, number: number): Promise<void> {
  await stage.appConfig.send(
    new StopDeploymentCommand({ ...environmentOf(stage, profile), DeploymentNumber: number, AllowRevert: true }),
  );
}

/** A profile's environment, as AppConfig's calls name it. */
export function environmentOf(stage: Stage, { environment }: Profile) {
  return { ApplicationId: stage.output('AppConfigApplicationId'), EnvironmentId: stage.output(environment) };
}
