import { randomBytes } from 'node:crypto';
import { secretValue } from '../../lambdas/partners/credentials.ts';
import type { Integration } from '../../lambdas/partners/integration.ts';
import { headerValuesOf } from '../../lambdas/partners/integration-secret.ts';
import { signingSecret } from '../../lambdas/partners/signature.ts';
import { isEmptySecretValue, isSecretFields, parseSecretText } from '../../lambdas/shared/secret-text.ts';
import type { Context } from '../shared/context.ts';
import { CommandFailed } from '../shared/failures.ts';
import { readTextFile } from '../shared/read-file.ts';
import { type PairFiles, withPair } from './collect-certificate.ts';
import { type NeededSecret, neededSecrets, secretFault } from './needed-secrets.ts';

type Fields = Readonly<Record<string, unknown>>;

/** Files that the operator names. */
export interface SecretFiles extends PairFiles {
  /** The partner's credentials, as JSON. */
  readonly secretFile?: string | undefined;
}

/** Random bytes of a signing secret, and of an encryption key. */
const SECRET_BYTES = 32;

/** A new random signing secret. */
export function newSigningSecret(): string {
  return signingSecret(randomBytes(SECRET_BYTES));
}

/**
 * Collects what an integration's secret has to hold: from a file, else from the environment, else by asking the operator.
 * Never from an argument, which the shell's history keeps. Signing secret and encryption key are created where the file has
 * none.
 *
 * @throws CommandFailed that names what is missing or unusable, without its value
 */
export async function collectSecret(
  integration: Integration,
  { secretFile, ...pairFiles }: SecretFiles,
  context: Context,
): Promise<Fields> {
  const { terminal, variables } = context;
  let fields: Fields = secretFile === undefined ? {} : fieldsOfFile(secretFile);
  for (const needed of neededSecrets(integration)) {
    if (!isEmptySecretValue(secretValue(fields, needed.path))) continue;
    const name = needed.path.join('.');
    const value = variables[needed.variable] || (await terminal.askHidden(`${name} (hidden): `));
    if (value === undefined || value === '') {
      throw new CommandFailed(`the entry needs ${name}: type it, or set it by --secret-file or ${needed.variable}`);
    }
    fields = withValue(fields, needed, value);
  }
  if (integration.client_certificate) fields = await withPair(fields, 'current', pairFiles, context);
  const isEncrypting = integration.encrypted_fields.length > 0;
  const complete: Fields = {
    signing_secrets: [newSigningSecret()],
    ...(isEncrypting && { encryption_key: randomBytes(SECRET_BYTES).toString('base64') }),
    ...Object.fromEntries(Object.entries(fields).filter(([, value]) => !isEmptySecretValue(value))),
  };
  const fault = secretFault(integration, complete, context.now());
  if (fault !== undefined) throw new CommandFailed(`the secret would not be usable: ${fault}`);
  return complete;
}

/** The secret's fields with one value; every other key as it is. */
export function withValue(fields: Fields, { path: [first, second] }: NeededSecret, value: string): Fields {
  if (second === undefined) return { ...fields, [first]: value };
  const outer = headerValuesOf(fields);
  return { ...fields, [first]: { ...(isSecretFields(outer) ? outer : {}), [second]: value } };
}

function fieldsOfFile(file: string): Fields {
  const parsed = parseSecretText(readTextFile(file));
  if ('fields' in parsed) return parsed.fields;
  throw new CommandFailed(`${file} ${parsed.fault}`);
}
