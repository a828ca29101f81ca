import { randomUUID } from 'node:crypto';
import { AwsError } from './aws-error.ts';
import type { TargetHandler } from './server.ts';

/** Secrets Manager, as far as one reads secrets from it. */
export interface LocalSecretsManager {
  /** Gives a secret its value under one or more ids: its name, its ARN. A later value replaces the first. */
  put(ids: string | readonly string[], secretString: string): void;
  /** Takes a value away: the secret exists and has none, as after a deployment that nobody has filled in yet. */
  remove(ids: string | readonly string[]): void;
  /** While down, every call is answered 503. */
  setDown(isDown: boolean): void;
  /** For `X-Amz-Target: secretsmanager.*`. */
  readonly handle: TargetHandler;
}

export function createLocalSecretsManager(): LocalSecretsManager {
  const secrets = new Map<string, object>();
  let isDown = false;

  return {
    put(ids, secretString) {
      const all = [ids].flat();
      const answer = {
        Name: all[0],
        ARN:
          all.find((id) => id.startsWith('arn:')) ?? `arn:aws:secretsmanager:us-east-1:000000000000:secret:${all[0]}`,
        VersionId: randomUUID(),
        VersionStages: ['AWSCURRENT'],
        SecretString: secretString,
      };
      for (const id of all) secrets.set(id, answer);
    },

    remove(ids) {
      for (const id of [ids].flat()) secrets.delete(id);
    },

    setDown(value) {
      isDown = value;
    },

    async handle(operation, body) {
      if (isDown) throw new AwsError('ServiceUnavailable', 503, 'Secrets Manager is switched off');
      if (operation !== 'GetSecretValue') throw new AwsError('UnknownOperationException', 400, `no ${operation} here`);
      const answer = secrets.get(String(body.SecretId));
      if (answer !== undefined) return answer;
      const message = "Secrets Manager can't find the specified secret value for staging label: AWSCURRENT";
      throw new AwsError('ResourceNotFoundException', 400, message);
    },
  };
}
