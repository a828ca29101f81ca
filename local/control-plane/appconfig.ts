import { randomUUID } from 'node:crypto';
import { AwsError } from './aws-error.ts';
import { flattenFlags } from './feature-flags.ts';
import { jsonSchemaValidator, type Validator } from './json-schema-validator.ts';

/** AppConfig's quota for hosted content, in bytes. */
const MAX_CONTENT_BYTES = 2 * 1024 * 1024;

/** Bounds and default of `RequiredMinimumPollIntervalInSeconds` (StartConfigurationSession). */
const POLL_INTERVAL_SECONDS = { minimum: 15, maximum: 86_400, default: 60 } as const;

/** How long a poll token lives (GetLatestConfiguration). */
const TOKEN_MS = 24 * 60 * 60 * 1000;

export type ProfileType = 'AWS.AppConfig.FeatureFlags' | 'AWS.Freeform';

/** A deployment that AppConfig would refuse. Nothing has changed for those who poll. */
export class DeploymentRefused extends Error {
  override readonly name = 'DeploymentRefused';
}

/** What one poll is answered; no content where the session has seen this version. */
export interface LatestConfiguration {
  readonly nextToken: string;
  readonly nextPollSeconds: number;
  readonly content: string;
  readonly version: string | undefined;
}

/** AppConfig's data plane, and of its control plane what a local platform needs. Every deployment is at once for all. */
export interface LocalAppConfig {
  /** @param jsonSchemas contents of the profile's JSON_SCHEMA validators; freeform profiles only */
  defineProfile(applicationId: string, profileId: string, type: ProfileType, jsonSchemas?: readonly string[]): void;
  /** @returns the version's number @throws DeploymentRefused listing why; Error where the profile is not defined */
  deploy(applicationId: string, environmentId: string, profileId: string, content: string): number;
  /** Answers this interval to everybody, below AppConfig's own minimum of 15 s too: for platforms with scaled time. */
  setPollIntervalSeconds(seconds: number): void;
  /** While down, every call is answered 503. */
  setDown(isDown: boolean): void;
  startSession(request: Readonly<Record<string, unknown>>): string;
  getLatest(token: string): LatestConfiguration;
}

interface Session {
  readonly deploymentKey: string;
  readonly intervalSeconds: number;
  readonly seenVersion: number;
  readonly earliestPollAt: number;
  readonly expiresAt: number;
}

interface Deployment {
  readonly version: number;
  readonly content: string;
}

/** @param now the wall clock, in milliseconds */
export function createLocalAppConfig(now: () => number = Date.now): LocalAppConfig {
  const profiles = new Map<string, (content: string) => string>();
  const deployments = new Map<string, Deployment>();
  const sessions = new Map<string, Session>();
  let fixedIntervalSeconds: number | undefined;
  let isDown = false;

  const requireUp = () => {
    if (isDown) throw new AwsError('ServiceUnavailableException', 503, 'AppConfig is switched off');
  };
  const keep = (session: Session): string => {
    const token = randomUUID();
    sessions.set(token, session);
    return token;
  };

  return {
    defineProfile(applicationId, profileId, type, jsonSchemas = []) {
      const validators = jsonSchemas.map(jsonSchemaValidator);
      const publish = type === 'AWS.AppConfig.FeatureFlags' ? publishFlags : publishFreeform(validators);
      profiles.set(keyOf(applicationId, profileId), publish);
    },

    deploy(applicationId, environmentId, profileId, content) {
      const publish = profiles.get(keyOf(applicationId, profileId));
      if (publish === undefined) throw new Error(`there is no profile ${profileId} in application ${applicationId}`);
      if (Buffer.byteLength(content) > MAX_CONTENT_BYTES)
        throw new DeploymentRefused('the content is larger than 2 MB');
      const deploymentKey = keyOf(applicationId, environmentId, profileId);
      const version = (deployments.get(deploymentKey)?.version ?? 0) + 1;
      deployments.set(deploymentKey, { version, content: publish(content) });
      return version;
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
      const deploymentKey = keyOf(ApplicationIdentifier, EnvironmentIdentifier, ConfigurationProfileIdentifier);
      if (!deployments.has(deploymentKey)) {
        throw new AwsError('ResourceNotFoundException', 404, 'nothing is deployed there', {
          ResourceType: 'Deployment',
        });
      }
      const intervalSeconds = pollInterval(request.RequiredMinimumPollIntervalInSeconds);
      const startedAt = now();
      const expiresAt = startedAt + TOKEN_MS;
      return keep({ deploymentKey, intervalSeconds, seenVersion: 0, earliestPollAt: startedAt, expiresAt });
    },

    getLatest(token) {
      requireUp();
      const session = sessions.get(token);
      sessions.delete(token);
      if (session === undefined) throw badToken('Corrupted');
      if (now() >= session.expiresAt) throw badToken('Expired');
      if (now() < session.earliestPollAt) throw badToken('PollIntervalNotSatisfied');
      const { version, content } = deployments.get(session.deploymentKey) as Deployment;
      const nextPollSeconds = fixedIntervalSeconds ?? session.intervalSeconds;
      const isNew = version !== session.seenVersion;
      const earliestPollAt = now() + nextPollSeconds * 1000;
      const nextToken = keep({ ...session, seenVersion: version, earliestPollAt, expiresAt: now() + TOKEN_MS });
      return {
        nextToken,
        nextPollSeconds,
        content: isNew ? content : '',
        version: isNew ? String(version) : undefined,
      };
    },
  };
}

function publishFlags(content: string): string {
  const flattened = flattenFlags(content);
  if ('faults' in flattened) throw new DeploymentRefused(flattened.faults.join('; '));
  return flattened.content;
}

function publishFreeform(validators: readonly Validator[]): (content: string) => string {
  return (content) => {
    const faults = validators.flatMap((validate) => validate(content));
    if (faults.length > 0) throw new DeploymentRefused(faults.join('; '));
    return content;
  };
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

/** Ids as one key; no id can make another's, whatever it holds. */
function keyOf(...ids: readonly unknown[]): string {
  return JSON.stringify(ids);
}
