import { CreateSecretCommand, GetSecretValueCommand, PutSecretValueCommand } from '@aws-sdk/client-secrets-manager';
import { parseSecretText, type SecretVersion, secretTextOf } from '../../lambdas/shared/secret-text.ts';
import { CommandFailed } from '../shared/failures.ts';
import type { Stage } from '../shared/stage.ts';

/** An integration's secret as it is stored. */
export interface StoredSecret {
  /** Unchecked; keys that this program does not know are kept. */
  readonly fields: Readonly<Record<string, unknown>>;
  /** When it was last written, in epoch milliseconds. */
  readonly writtenAtMs: number;
}

export function secretName(stage: Stage, id: string): string {
  return `${stage.output('IntegrationSecretsPrefix')}${id}`;
}

/**
 * @returns undefined where there is none, or it has no value
 * @throws CommandFailed where it is about to be deleted, or holds no JSON object
 */
export async function readSecret(stage: Stage, id: string): Promise<StoredSecret | undefined> {
  const name = secretName(stage, id);
  try {
    const response = await stage.secretsManager.send(new GetSecretValueCommand({ SecretId: name }));
    const writtenAtMs = response.CreatedDate?.getTime() ?? 0;
    return { fields: fieldsOf(name, response), writtenAtMs };
  } catch (thrown) {
    const { name: error, message } = thrown as Error;
    if (error === 'ResourceNotFoundException') return undefined;
    if (error === 'InvalidRequestException') throw unusable(stage, name, message);
    throw thrown;
  }
}

/** @throws CommandFailed where there is one of that name */
export async function createSecret(stage: Stage, id: string, fields: object): Promise<void> {
  const name = secretName(stage, id);
  const creating = stage.secretsManager.send(
    new CreateSecretCommand({
      Name: name,
      Description: `Signing secrets and credentials of integration ${id}, as JSON`,
      SecretString: JSON.stringify(fields),
    }),
  );
  await creating.catch((thrown: Error) => {
    if (thrown.name === 'ResourceExistsException') {
      throw new CommandFailed(
        `there is a secret ${name} already: use it with --keep-secret, once it has a value ("./ltw integration validate" prints what it lacks)`,
      );
    }
    if (thrown.name === 'InvalidRequestException') throw unusable(stage, name, thrown.message);
    throw thrown;
  });
}

/** Replaces what a secret holds; the version before stays, as AWSPREVIOUS. */
export async function writeSecret(stage: Stage, id: string, fields: object): Promise<void> {
  await stage.secretsManager.send(
    new PutSecretValueCommand({ SecretId: secretName(stage, id), SecretString: JSON.stringify(fields) }),
  );
}

/** The command that prints the newest signing secret, for an operator who may read it. */
export function howToReadSigningSecret(stage: Stage, id: string): string {
  const name = secretName(stage, id);
  const command = stage.awsCli(
    'secretsmanager',
    `get-secret-value --secret-id ${name} --query SecretString --output text`,
  );
  return `It is the first of signing_secrets in the secret ${name}:\n  ${command}`;
}

function unusable(stage: Stage, name: string, message: string): CommandFailed {
  const restore = stage.awsCli('secretsmanager', `restore-secret --secret-id ${name}`);
  return new CommandFailed(`the secret ${name} cannot be used: ${message}. If it is about to be deleted: ${restore}`);
}

/** @throws CommandFailed that quotes nothing of it */
function fieldsOf(name: string, version: SecretVersion): Readonly<Record<string, unknown>> {
  const parsed = parseSecretText(secretTextOf(version) ?? '');
  if ('fields' in parsed) return parsed.fields;
  throw new CommandFailed(`the secret ${name} ${parsed.fault}`);
}
