import { randomUUID } from 'node:crypto';
import { AwsError } from '../control-plane/aws-error.ts';
import { ConfigurationStore } from './configuration-store.ts';
import type { Deployment } from './deployment.ts';
import type { ProfileType } from './profile-content.ts';

/** Limits and default of `RequiredMinimumPollIntervalInSeconds` (StartConfigurationSession). */
const POLL_INTERVAL_SECONDS = { minimum: 15, maximum: 86_400, default: 60 } as const;

/** Validity of a poll token (GetLatestConfiguration). */
const TOKEN_MS = 24 * 60 * 60 * 1000;

/** A deployment that AppConfig would refuse. Pollers still get the previous version. */
export class DeploymentRefused extends Error {
  override readonly name = 'DeploymentRefused';
}

interface Session {
  readonly deployed: () => Deployment | undefined;
  readonly intervalSeconds: number;
  readonly seenVersion: number;
  readonly earliestPollAt: number;
}

/** AppConfig: the API for polling, and the one for operators. */
export class LocalAppConfig {
  readonly store: ConfigurationStore;
  readonly #now: () => number;
  readonly #sessions = new Map<string, Session & { readonly expiresAt: number }>();
  #fixedIntervalSeconds: number | undefined;
  #isDown = false;
  #bakeMs = 0;
  #rollbackMs = 0;

  /** @param now the wall clock, in milliseconds */
  constructor(now: () => number) {
    this.#now = now;
    this.store = new ConfigurationStore(now);
  }

  /** @param jsonSchemas contents of the profile's JSON_SCHEMA validators; freeform profiles only */
  defineProfile(
    applicationId: string,
    profileId: string,
    type: ProfileType,
    jsonSchemas: readonly string[] = [],
  ): void {
    this.store.defineProfile(applicationId, profileId, type, jsonSchemas);
  }

  /**
   * Creates a version and deploys it, as a finished deployment.
   *
   * @throws DeploymentRefused with the reasons, or because another deployment still bakes, or for an unknown profile
   */
  deploy(applicationId: string, environmentId: string, profileId: string, content: string): void {
    this.store.defineEnvironment(applicationId, environmentId);
    try {
      const draft = { content, contentType: 'application/json' };
      const version = String(this.store.createVersion(applicationId, profileId, draft).number);
      const strategyId = 'AppConfig.AllAtOnce';
      this.store.startDeployment(applicationId, environmentId, { profileId, version, strategyId }, 0);
    } catch (thrown) {
      if (thrown instanceof AwsError) throw new DeploymentRefused(thrown.message);
      throw thrown;
    }
  }

  /** Bake time of later deployments by AppConfig's API with a strategy that bakes; 0 at first. */
  setBakeSeconds(seconds: number): void {
    this.#bakeMs = seconds * 1000;
  }

  get bakeMs(): number {
    return this.#bakeMs;
  }

  /** Duration of ROLLING_BACK for later rollbacks by AppConfig's API; 0 at first. */
  setRollbackSeconds(seconds: number): void {
    this.#rollbackMs = seconds * 1000;
  }

  get rollbackMs(): number {
    return this.#rollbackMs;
  }

  /** Responds with this interval to every poll, whatever the session requested. */
  setPollIntervalSeconds(seconds: number): void {
    this.#fixedIntervalSeconds = seconds;
  }

  /** While down, every call gets 503. */
  setDown(isDown: boolean): void {
    this.#isDown = isDown;
  }

  /** @throws AwsError while down */
  requireUp(): void {
    if (this.#isDown) throw new AwsError('ServiceUnavailableException', 503, 'AppConfig is switched off');
  }

  /** @returns the token of the first poll */
  startSession(request: Readonly<Record<string, unknown>>): string {
    this.requireUp();
    const { ApplicationIdentifier, EnvironmentIdentifier, ConfigurationProfileIdentifier } = request;
    const deployed = () =>
      this.store.deployed(
        String(ApplicationIdentifier),
        String(EnvironmentIdentifier),
        String(ConfigurationProfileIdentifier),
      );
    if (deployed() === undefined) {
      throw new AwsError('ResourceNotFoundException', 404, 'nothing is deployed there', { ResourceType: 'Deployment' });
    }
    const intervalSeconds = pollInterval(request.RequiredMinimumPollIntervalInSeconds);
    return this.#issueToken({ deployed, intervalSeconds, seenVersion: 0, earliestPollAt: this.#now() });
  }

  /** The response to one poll; without content if the session has this version. Tests replace it. */
  getLatest = (token: string) => {
    this.requireUp();
    const session = this.#sessions.get(token);
    this.#sessions.delete(token);
    if (session === undefined) throw badToken('Corrupted');
    if (this.#now() >= session.expiresAt) throw badToken('Expired');
    if (this.#now() < session.earliestPollAt) throw badToken('PollIntervalNotSatisfied');
    const { version, published } = session.deployed() as Deployment;
    const nextPollSeconds = this.#fixedIntervalSeconds ?? session.intervalSeconds;
    const isNew = version.number !== session.seenVersion;
    const earliestPollAt = this.#now() + nextPollSeconds * 1000;
    return {
      nextToken: this.#issueToken({ ...session, seenVersion: version.number, earliestPollAt }),
      nextPollSeconds,
      content: isNew ? published : '',
      /** AppConfig returns no number. */
      versionLabel: isNew ? version.label : undefined,
    };
  };

  #issueToken(session: Session): string {
    const token = randomUUID();
    this.#sessions.set(token, { ...session, expiresAt: this.#now() + TOKEN_MS });
    return token;
  }
}

function pollInterval(requested: unknown): number {
  const { minimum, maximum, default: usual } = POLL_INTERVAL_SECONDS;
  if (requested === undefined) return usual;
  if (typeof requested === 'number' && requested >= minimum && requested <= maximum) return requested;
  throw new AwsError('BadRequestException', 400, `RequiredMinimumPollIntervalInSeconds is ${minimum} to ${maximum}`);
}

function badToken(problem: 'Corrupted' | 'Expired' | 'PollIntervalNotSatisfied'): AwsError {
  return new AwsError('BadRequestException', 400, `configuration token: ${problem}`, {
    Reason: 'InvalidParameters',
    Details: { InvalidParameters: { ConfigurationToken: { Problem: problem } } },
  });
}
