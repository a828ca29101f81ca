import { randomBytes, randomUUID } from 'node:crypto';
import { AwsError } from '../control-plane/aws-error.ts';
import type { TargetHandler } from '../control-plane/rest.ts';
import { type Secret, SecretVersions } from './secret-versions.ts';

type Body = Readonly<Record<string, unknown>>;

/** Characters that Secrets Manager allows in a name. */
const SECRET_NAME = /^[A-Za-z0-9/_+=.@-]{1,512}$/;

/** Secrets Manager: reading, creating and changing secrets. */
export interface LocalSecretsManager {
  /** A secret without a value, under one or more ids (its name, its ARN), as a deployment makes it. */
  define(ids: string | readonly string[]): void;
  /** Sets a secret's value, and creates the secret if it does not exist. */
  put(ids: string | readonly string[], secretString: string): void;
  /** Removes all values: the secret exists without one, as after a first deployment. */
  remove(ids: string | readonly string[]): void;
  isThere(id: string): boolean;
  /** The current value; undefined if there is no secret, or no value. */
  current(id: string): string | undefined;
  /** While down, every call gets 503. */
  setDown(isDown: boolean): void;
  /** For `X-Amz-Target: secretsmanager.*`. */
  readonly handle: TargetHandler;
}

/** @param now the wall clock, in milliseconds */
export function createLocalSecretsManager(now: () => number = Date.now): LocalSecretsManager {
  const secrets = new Map<string, Secret>();
  let isDown = false;

  const define = (ids: string | readonly string[]): Secret => {
    const all = [ids].flat();
    const known = all.map((id) => secrets.get(id)).find((secret) => secret !== undefined);
    const secret = known ?? {
      name: String(all[0]),
      arn: all.find((id) => id.startsWith('arn:')) ?? arnOf(String(all[0])),
      versions: new SecretVersions(now),
    };
    for (const id of [...all, secret.arn]) secrets.set(id, secret);
    return secret;
  };
  const operations: Readonly<Record<string, (body: Body) => object>> = {
    CreateSecret: (body) => createSecret(body, secrets, define),
    PutSecretValue: (body) => putSecretValue(body, find(secrets, body)),
    GetSecretValue: (body) => getSecretValue(body, find(secrets, body)),
    ListSecretVersionIds: (body) => listSecretVersionIds(find(secrets, body)),
  };

  return {
    define: (ids) => void define(ids),
    put: (ids, secretString) => void define(ids).versions.put(secretString),
    remove: (ids) => define(ids).versions.clear(),
    isThere: (id) => secrets.has(id),
    current: (id) => secrets.get(id)?.versions.find('AWSCURRENT')?.secretString,

    setDown(value) {
      isDown = value;
    },

    async handle(operation, body) {
      if (isDown) throw new AwsError('ServiceUnavailable', 503, 'Secrets Manager is switched off');
      const answer = operations[operation];
      if (answer === undefined) throw new AwsError('UnknownOperationException', 400, `no ${operation} here`);
      return answer(body);
    },
  };
}

function createSecret(
  { Name, SecretString, ClientRequestToken }: Body,
  secrets: ReadonlyMap<string, Secret>,
  define: (id: string) => Secret,
): object {
  const name = String(Name);
  if (!SECRET_NAME.test(name)) throw new AwsError('ValidationException', 400, 'Invalid name.');
  const token = String(ClientRequestToken ?? randomUUID());
  const existing = secrets.get(name);
  // A retry of the client has the same token, and is the same request.
  if (existing !== undefined && existing.versions.find(undefined, token)?.secretString !== SecretString) {
    throw new AwsError(
      'ResourceExistsException',
      400,
      `The operation failed because the secret ${name} already exists.`,
    );
  }
  const secret = existing ?? define(name);
  if (SecretString === undefined) return { Name: name, ARN: secret.arn };
  const { id } = secret.versions.put(String(SecretString), token);
  return { Name: name, ARN: secret.arn, VersionId: id };
}

function putSecretValue({ SecretString, ClientRequestToken, VersionStages }: Body, secret: Secret): object {
  if (typeof SecretString !== 'string') {
    throw new AwsError('InvalidParameterException', 400, 'You must provide either SecretString or SecretBinary.');
  }
  const token = ClientRequestToken as string | undefined;
  const { id, stages } = secret.versions.put(SecretString, token, VersionStages as string[] | undefined);
  return { Name: secret.name, ARN: secret.arn, VersionId: id, VersionStages: [...stages] };
}

function getSecretValue({ VersionStage, VersionId }: Body, secret: Secret): object {
  const stage = VersionStage ?? (VersionId === undefined ? 'AWSCURRENT' : undefined);
  const version = secret.versions.find(stage as string | undefined, VersionId as string | undefined);
  if (version === undefined) {
    const what = stage === undefined ? `VersionId: ${VersionId}` : `staging label: ${stage}`;
    throw notFound(`Secrets Manager can't find the specified secret value for ${what}`);
  }
  return {
    Name: secret.name,
    ARN: secret.arn,
    VersionId: version.id,
    VersionStages: [...version.stages],
    SecretString: version.secretString,
    CreatedDate: version.createdAtMs / 1000,
  };
}

/** In one page, since a secret has few versions. */
function listSecretVersionIds({ name, arn, versions }: Secret): object {
  const Versions = versions.labelled().map(({ id, stages, createdAtMs }) => ({
    VersionId: id,
    VersionStages: [...stages],
    CreatedDate: createdAtMs / 1000,
  }));
  return { Name: name, ARN: arn, Versions };
}

function find(secrets: ReadonlyMap<string, Secret>, { SecretId }: Body): Secret {
  const secret = secrets.get(String(SecretId));
  if (secret === undefined) throw notFound("Secrets Manager can't find the specified secret.");
  return secret;
}

function notFound(message: string): AwsError {
  return new AwsError('ResourceNotFoundException', 400, message);
}

/** With six characters after the name, like Secrets Manager's. */
function arnOf(name: string): string {
  return `arn:aws:secretsmanager:us-east-1:000000000000:secret:${name}-${randomBytes(3).toString('hex')}`;
}
