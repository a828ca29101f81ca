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

/** The response to one poll; without content if the session has this version. */
export interface LatestConfiguration {
  readonly nextToken: string;
  readonly nextPollSeconds: number;
  readonly content: string;
  /** The label of the version; AppConfig returns no number. */
  readonly versionLabel: string | undefined;
}

/** AppConfig: the API for polling, and the one for operators. */
export interface LocalAppConfig {
  /** @param jsonSchemas contents of the profile's JSON_SCHEMA validators; freeform profiles only */
  defineProfile(applicationId: string, profileId: string, type: ProfileType, jsonSchemas?: readonly string[]): void;
  /**
   * Creates a version and deploys it, as a finished deployment.
   *
   * @returns the version's number
   * @throws DeploymentRefused with the reasons, or because another deployment still bakes; Error for an unknown profile
   */
  deploy(applicationId: string, environmentId: string, profileId: string, content: string): number;
  /** Bake time of later deployments by AppConfig's API with a strategy that bakes; 0 at first. */
  setBakeSeconds(seconds: number): void;
  readonly bakeMs: number;
  /** Duration of ROLLING_BACK for later rollbacks by AppConfig's API; 0 at first. */
  setRollbackSeconds(seconds: number): void;
  readonly rollbackMs: number;
  /** Responds with this interval to every poll, whatever the session requested. */
  setPollIntervalSeconds(seconds: number): void;
  /** While down, every call gets 503. */
  setDown(isDown: boolean): void;
  /** @throws AwsError while down */
  requireUp(): void;
  readonly store: ConfigurationStore;
  startSession(request: Readonly<Record<string, unknown>>): string;
  getLatest(token: string): LatestConfiguration;
}

interface Session {
  readonly deployed: () => Deployment | undefined;
  readonly intervalSeconds: number;
  readonly seenVersion: number;
  readonly earliestPollAt: number;
  readonly expiresAt: number;
}

/** @param now the wall clock, in milliseconds */
export function createLocalAppConfig(now: () => number = Date.now): LocalAppConfig {
  const store = new ConfigurationStore(now);
  const sessions = new Map<string, Session>();
  let fixedIntervalSeconds: number | undefined;
  let isDown = false;
  let bakeMs = 0;
  let rollbackMs = 0;

  const requireUp = () => {
    if (isDown) throw new AwsError('ServiceUnavailableException', 503, 'AppConfig is switched off');
  };
  const keep = (session: Session): string => {
    const token = randomUUID();
    sessions.set(token, session);
    return token;
  };

  return {
    store,
    requireUp,
    defineProfile: (applicationId, profileId, type, jsonSchemas = []) =>
      store.defineProfile(applicationId, profileId, type, jsonSchemas),
    deploy: (...ids) => deployAtOnce(store, ...ids),

    get bakeMs() {
      return bakeMs;
    },

    setBakeSeconds(seconds) {
      bakeMs = seconds * 1000;
    },

    get rollbackMs() {
      return rollbackMs;
    },

    setRollbackSeconds(seconds) {
      rollbackMs = seconds * 1000;
    },

    setPollIntervalSeconds(seconds) {
      fixedIntervalSeconds = seconds;
    },

    setDown(value) {
      isDown = value;
    },

    startSession(request) {
      requireUp();
      const { ApplicationIdentifier, EnvironmentIdentifier, ConfigurationProfileIdentifier } = request;
      const ids = [ApplicationIdentifier, EnvironmentIdentifier, ConfigurationProfileIdentifier].map(String);
      const deployed = () => store.deployed(...(ids as [string, string, string]));
      if (deployed() === undefined) {
        throw new AwsError('ResourceNotFoundException', 404, 'nothing is deployed there', {
          ResourceType: 'Deployment',
        });
      }
      const intervalSeconds = pollInterval(request.RequiredMinimumPollIntervalInSeconds);
      const startedAt = now();
      const expiresAt = startedAt + TOKEN_MS;
      return keep({ deployed, intervalSeconds, seenVersion: 0, earliestPollAt: startedAt, expiresAt });
    },

    getLatest(token) {
      requireUp();
      const session = sessions.get(token);
      sessions.delete(token);
      if (session === undefined) throw badToken('Corrupted');
      if (now() >= session.expiresAt) throw badToken('Expired');
      if (now() < session.earliestPollAt) throw badToken('PollIntervalNotSatisfied');
      const { version, published } = session.deployed() as Deployment;
      const nextPollSeconds = fixedIntervalSeconds ?? session.intervalSeconds;
      const isNew = version.number !== session.seenVersion;
      const earliestPollAt = now() + nextPollSeconds * 1000;
      const nextToken = keep({ ...session, seenVersion: version.number, earliestPollAt, expiresAt: now() + TOKEN_MS });
      return {
        nextToken,
        nextPollSeconds,
        content: isNew ? published : '',
        versionLabel: isNew ? version.label : undefined,
      };
    },
  };
}

function deployAtOnce(
  store: ConfigurationStore,
  applicationId: string,
  environmentId: string,
  profileId: string,
  content: string,
): number {
  if (!store.hasProfile(applicationId, profileId)) {
    throw new Error(`there is no profile ${profileId} in application ${applicationId}`);
  }
  store.defineEnvironment(applicationId, environmentId);
  try {
    const { number } = store.createVersion(applicationId, profileId, { content, contentType: 'application/json' });
    const draft = { profileId, version: String(number), strategyId: 'AppConfig.AllAtOnce' };
    store.startDeployment(applicationId, environmentId, draft, 0);
    return number;
  } catch (thrown) {
    if (thrown instanceof AwsError) throw new DeploymentRefused(thrown.message);
    throw thrown;
  }
}

function pollInterval(requested: unknown): number {
  if (requested === undefined) return POLL_INTERVAL_SECONDS.default;
  const { minimum, maximum } = POLL_INTERVAL_SECONDS;
  if (typeof requested === 'number' && requested >= minimum && requested <= maximum) return requested;
  throw new AwsError('BadRequestException', 400, `RequiredMinimumPollIntervalInSeconds is ${minimum} to ${maximum}`);
}

function badToken(problem: 'Corrupted' | 'Expired' | 'PollIntervalNotSatisfied'): AwsError {
  return new AwsError('BadRequestException', 400, `configuration token: ${problem}`, {
    Reason: 'InvalidParameters',
    Details: { InvalidParameters: { ConfigurationToken: { Problem: problem } } },
  });
}
