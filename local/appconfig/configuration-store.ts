import { AwsError } from '../control-plane/aws-error.ts';
import {
  type Deployment,
  type DeploymentDraft,
  type DeploymentState,
  type HostedVersion,
  isDeployed,
  isUnderWay,
  rollBack,
  stateOf,
  type TakingBack,
  takeBack,
  type VersionDraft,
} from './deployment.ts';
import { type ProfileType, type Publish, publisher } from './profile-content.ts';

/** A deployment strategy, with the names of the template and of deployments. */
export type StrategySettings = Readonly<
  Partial<
    Record<'DeploymentDurationInMinutes' | 'GrowthFactor' | 'GrowthType' | 'FinalBakeTimeInMinutes', string | number>
  >
>;

/** An environment runs one deployment at a time and has monitors. */
interface ConfigurationEnvironment {
  /** Oldest first. */
  readonly deployments: Deployment[];
  alarmArns: readonly string[];
}

interface Profile {
  readonly publish: Publish;
  readonly versions: HostedVersion[];
}

/**
 * AppConfig's profiles, versions and deployments. A deployment reaches all pollers at once, whatever its strategy. Errors are
 * AppConfig's.
 */
export class ConfigurationStore {
  readonly #now: () => number;
  readonly #profiles = new Map<string, Profile>();
  readonly #environments = new Map<string, ConfigurationEnvironment>();
  /** ARNs of alarms that are set to ALARM, and since when (epoch milliseconds). */
  readonly #inAlarm = new Map<string, number>();
  readonly #strategies = new Map<string, StrategySettings>([['AppConfig.AllAtOnce', {}]]);

  constructor(now: () => number) {
    this.#now = now;
  }

  defineProfile(applicationId: string, profileId: string, type: ProfileType, jsonSchemas: readonly string[]): void {
    this.#profiles.set(keyOf(applicationId, profileId), { publish: publisher(type, jsonSchemas), versions: [] });
  }

  /** Does nothing if it exists. */
  defineEnvironment(applicationId: string, environmentId: string, alarmArns: readonly string[] = []): void {
    const key = keyOf(applicationId, environmentId);
    if (!this.#environments.has(key)) this.#environments.set(key, { deployments: [], alarmArns });
  }

  /** Alarm ARNs of an environment's monitors. */
  alarmsOf(applicationId: string, environmentId: string): readonly string[] {
    return this.#environment(applicationId, environmentId).alarmArns;
  }

  watchAlarms(applicationId: string, environmentId: string, alarmArns: readonly string[]): void {
    this.#environment(applicationId, environmentId).alarmArns = alarmArns;
  }

  /**
   * Sets an alarm's state. While it is in ALARM, deployments in progress in environments that monitor it are rolled back, and
   * so are deployments that are started there, even without a bake time: AWS does not document an exception.
   */
  setAlarm(alarmArn: string, isInAlarm: boolean): void {
    if (isInAlarm) this.#inAlarm.set(alarmArn, this.#now());
    else this.#inAlarm.delete(alarmArn);
    for (const environment of this.#environments.values()) {
      const last = environment.deployments.at(-1);
      if (last !== undefined && this.state(last) === 'BAKING') this.#rollBackInAlarm(environment);
    }
  }

  /** Since when an operator has set it to ALARM, epoch milliseconds; undefined where it is not set. */
  alarmSetAt(alarmArn: string): number | undefined {
    return this.#inAlarm.get(alarmArn);
  }

  #rollBackInAlarm({ deployments, alarmArns }: ConfigurationEnvironment): void {
    const alarmArn = alarmArns.find((arn) => this.#inAlarm.has(arn));
    const last = deployments.at(-1);
    if (alarmArn === undefined || last === undefined) return;
    const hasEarlier = deployments.slice(0, -1).some((earlier) => isDeployed(earlier, last.draft.profileId));
    if (hasEarlier) deployments[deployments.length - 1] = rollBack(last, this.#now(), alarmArn);
  }

  defineStrategy(strategyId: string, settings: StrategySettings): void {
    this.#strategies.set(strategyId, settings);
  }

  /** @param latest the number that must be the latest; undefined: no check */
  createVersion(applicationId: string, profileId: string, draft: VersionDraft, latest?: number): HostedVersion {
    const { versions, publish } = this.#profile(applicationId, profileId);
    const current = versions.length;
    if (latest !== undefined && latest !== current) {
      throw new AwsError('ConflictException', 409, `the latest version is ${current}, not ${latest}`);
    }
    publish(draft.content);
    const version = { ...draft, number: current + 1 };
    versions.push(version);
    return version;
  }

  /** Oldest first. */
  versions(applicationId: string, profileId: string): readonly HostedVersion[] {
    return this.#profile(applicationId, profileId).versions;
  }

  /** @param version its number or its label */
  version(applicationId: string, profileId: string, version: string): HostedVersion {
    const found = this.versions(applicationId, profileId).find(
      ({ number, label }) => String(number) === version || label === version,
    );
    return found ?? notFound(`the profile ${profileId} has no version ${version}`);
  }

  /** @param bakeMs time in which the environment accepts no other deployment */
  startDeployment(applicationId: string, environmentId: string, draft: DeploymentDraft, bakeMs: number): Deployment {
    const environment = this.#environment(applicationId, environmentId);
    const { deployments } = environment;
    const version = this.version(applicationId, draft.profileId, draft.version);
    if (!this.#strategies.has(draft.strategyId)) notFound(`there is no deployment strategy ${draft.strategyId}`);
    if (deployments.some((deployment) => isUnderWay(deployment, this.#now()))) {
      throw new AwsError('ConflictException', 409, 'a deployment to this environment is under way');
    }
    const published = this.#profile(applicationId, draft.profileId).publish(version.content);
    const startedAtMs = this.#now();
    const number = deployments.length + 1;
    const deployment = { number, draft, version, published, startedAtMs, completedAtMs: startedAtMs + bakeMs };
    deployments.push(deployment);
    this.#rollBackInAlarm(environment);
    return deployments.at(-1) ?? deployment;
  }

  /** Oldest first. */
  deployments(applicationId: string, environmentId: string): readonly Deployment[] {
    return this.#environment(applicationId, environmentId).deployments;
  }

  deployment(applicationId: string, environmentId: string, number: string): Deployment {
    const found = this.deployments(applicationId, environmentId).find((one) => String(one.number) === number);
    return found ?? notFound(`the environment ${environmentId} has no deployment ${number}`);
  }

  /** Rolls a deployment back: pollers get the previous one. */
  stopDeployment(applicationId: string, environmentId: string, number: string, how: TakingBack): Deployment {
    const { deployments } = this.#environment(applicationId, environmentId);
    const deployment = this.deployment(applicationId, environmentId, number);
    const index = deployments.indexOf(deployment);
    const { profileId } = deployment.draft;
    if (!deployments.slice(0, index).some((earlier) => isDeployed(earlier, profileId))) {
      throw new AwsError('BadRequestException', 400, `nothing was deployed before deployment ${number}`);
    }
    const stopped = takeBack(deployment, this.#now(), how);
    deployments[index] = stopped;
    return stopped;
  }

  state(deployment: Deployment): DeploymentState {
    return stateOf(deployment, this.#now());
  }

  settings(strategyId: string): StrategySettings {
    return this.#strategies.get(strategyId) ?? {};
  }

  /** The version that pollers get; undefined if nothing is deployed. */
  deployed(applicationId: string, environmentId: string, profileId: string): Deployment | undefined {
    const { deployments } = this.#environments.get(keyOf(applicationId, environmentId)) ?? { deployments: [] };
    return deployments.findLast((deployment) => isDeployed(deployment, profileId));
  }

  #profile(applicationId: string, profileId: string): Profile {
    return (
      this.#profiles.get(keyOf(applicationId, profileId)) ??
      notFound(`there is no profile ${profileId} in application ${applicationId}`)
    );
  }

  #environment(applicationId: string, environmentId: string): ConfigurationEnvironment {
    return (
      this.#environments.get(keyOf(applicationId, environmentId)) ??
      notFound(`there is no environment ${environmentId} in application ${applicationId}`)
    );
  }
}

function notFound(message: string): never {
  throw new AwsError('ResourceNotFoundException', 404, message);
}

/** Ids as one key, unique for any characters. */
function keyOf(...ids: readonly string[]): string {
  return JSON.stringify(ids);
}
