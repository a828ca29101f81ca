import { randomBytes, randomUUID } from 'node:crypto';
import { AwsError } from '../control-plane/aws-error.ts';
import type { TargetHandler } from '../control-plane/rest.ts';
import { arnOf } from '../resolver.ts';

type Body = Readonly<Record<string, unknown>>;

/** Characters that Secrets Manager allows in a name. */
const SECRET_NAME = /^[A-Za-z0-9/_+=.@-]{1,512}$/;

/** Parameters that the pipeline does not use, and that would change a result. */
const UNSUPPORTED = ['VersionStage', 'VersionStages', 'VersionId', 'SecretBinary'];

/** Labels by position. Older versions have none, so that Secrets Manager does not list them. */
const STAGES = ['AWSCURRENT', 'AWSPREVIOUS'];

interface SecretVersion {
  readonly id: string;
  readonly secretString: string;
  readonly createdAtMs: number;
}

interface Secret {
  readonly name: string;
  readonly arn: string;
  /** Current and previous one; empty for a secret without a value, as after a first deployment. */
  versions: readonly SecretVersion[];
}

/** Secrets Manager: reading, creating and changing secrets. */
export class LocalSecretsManager {
  readonly #now: () => number;
  readonly #secrets: Secret[] = [];
  #isDown = false;

  /** @param now the wall clock, in milliseconds */
  constructor(now: () => number) {
    this.#now = now;
  }

  /** Creates a secret without a value, if it does not exist. */
  define(name: string, arn = arnOf('secretsmanager', `secret:${name}-${randomBytes(3).toString('hex')}`)): Secret {
    const existing = this.#find(name);
    if (existing !== undefined) return existing;
    const secret = { name, arn, versions: [] };
    this.#secrets.push(secret);
    return secret;
  }

  /** Sets a secret's value, and creates the secret if it does not exist. @param id name or ARN, here and below */
  put(id: string, secretString: string): void {
    this.#add(this.define(id), secretString, randomUUID());
  }

  /** @throws Error if it exists */
  create(name: string, secretString: string): void {
    if (this.#find(name) !== undefined) throw new Error(`the secret ${name} already exists`);
    this.put(name, secretString);
  }

  /** Removes all values. */
  remove(id: string): void {
    this.define(id).versions = [];
  }

  /** The current value; undefined if there is no secret, or no value. */
  current(id: string): string | undefined {
    return this.#find(id)?.versions[0]?.secretString;
  }

  /** The ARN of a secret; of one that does not exist, an ARN that it could have. */
  arnOf(id: string): string {
    return this.#find(id)?.arn ?? (id.startsWith('arn:') ? id : arnOf('secretsmanager', `secret:${id}-AbCdEf`));
  }

  /** While down, every call gets 503. */
  setDown(isDown: boolean): void {
    this.#isDown = isDown;
  }

  /** For `X-Amz-Target: secretsmanager.*`. */
  readonly handle: TargetHandler = async (operation, body) => {
    if (this.#isDown) throw new AwsError('ServiceUnavailable', 503, 'Secrets Manager is switched off');
    const unsupported = UNSUPPORTED.find((parameter) => body[parameter] !== undefined);
    if (unsupported !== undefined) throw invalid(`${unsupported} is not supported by the local platform`);
    switch (operation) {
      case 'CreateSecret':
        return this.#create(body);
      case 'PutSecretValue':
        return this.#putValue(body);
      case 'GetSecretValue':
        return getValue(this.#existing(body));
      case 'ListSecretVersionIds':
        return listVersions(this.#existing(body));
      default:
        throw new AwsError('UnknownOperationException', 400, `no ${operation} here`);
    }
  };

  #create({ Name, SecretString, ClientRequestToken }: Body): object {
    const name = String(Name);
    if (!SECRET_NAME.test(name)) throw new AwsError('ValidationException', 400, 'Invalid name.');
    if (typeof SecretString !== 'string') throw invalid('the local platform creates secrets with a SecretString only');
    const existing = this.#find(name);
    // A retry of the client has the same token, and is the same request.
    if (existing !== undefined && existing.versions[0]?.id !== ClientRequestToken) {
      const reason = `The operation failed because the secret ${name} already exists.`;
      throw new AwsError('ResourceExistsException', 400, reason);
    }
    const secret = existing ?? this.define(name);
    this.#add(secret, SecretString, String(ClientRequestToken));
    return { Name: name, ARN: secret.arn, VersionId: ClientRequestToken };
  }

  #putValue(body: Body): object {
    const secret = this.#existing(body);
    const { SecretString, ClientRequestToken } = body;
    if (typeof SecretString !== 'string') throw invalid('You must provide either SecretString or SecretBinary.');
    this.#add(secret, SecretString, String(ClientRequestToken));
    return { Name: secret.name, ARN: secret.arn, VersionId: ClientRequestToken, VersionStages: ['AWSCURRENT'] };
  }

  #add(secret: Secret, secretString: string, id: string): void {
    const [current] = secret.versions;
    if (current?.id === id && current.secretString === secretString) return;
    const version = { id, secretString, createdAtMs: this.#now() };
    secret.versions = current === undefined ? [version] : [version, current];
  }

  #find(id: string): Secret | undefined {
    return this.#secrets.find(({ name, arn }) => [name, arn].includes(id));
  }

  #existing({ SecretId }: Body): Secret {
    return this.#find(String(SecretId)) ?? notFound("Secrets Manager can't find the specified secret.");
  }
}

function getValue({ name, arn, versions: [current] }: Secret): object {
  if (current === undefined) {
    return notFound("Secrets Manager can't find the specified secret value for staging label: AWSCURRENT");
  }
  return { Name: name, ARN: arn, SecretString: current.secretString, ...described(current, 0) };
}

/** In one page, since a secret has few versions. */
function listVersions({ name, arn, versions }: Secret): object {
  return { Name: name, ARN: arn, Versions: versions.map(described) };
}

function described({ id, createdAtMs }: SecretVersion, position: number) {
  return { VersionId: id, VersionStages: [STAGES[position]], CreatedDate: createdAtMs / 1000 };
}

function invalid(reason: string): AwsError {
  return new AwsError('InvalidParameterException', 400, reason);
}

function notFound(message: string): never {
  throw new AwsError('ResourceNotFoundException', 400, message);
}
