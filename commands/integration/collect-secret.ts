import { randomBytes } from 'node:crypto';
import type { Integration } from '../../lambdas/contract/integration.ts';
import { signingSecret } from '../../lambdas/domain/signature.ts';
import { CommandFailed } from '../command-failed.ts';
import type { Context } from '../context.ts';
import { isFields } from '../integrations-document.ts';
import { type NeededSecret, neededSecrets, secretFaults } from '../needed-secrets.ts';
import { readTextFile } from '../read-file.ts';

type Fields = Readonly<Record<string, unknown>>;

/** Random bytes of a signing secret, and of an encryption key. */
const SECRET_BYTES = 32;

/** A signing secret that nobody had before. */
export function newSigningSecret(): string {
  return signingSecret(randomBytes(SECRET_BYTES));
}

/**
 * Brings together what an integration's secret has to hold: from a file, else from the environment, else from whoever
 * runs the command. Never from an argument, which the shell's history keeps. Signing secret and encryption key are made
 * where the file gives none.
 *
 * @throws CommandFailed that names what is missing or unusable, without its value
 */
export async function collectSecret(
  integration: Integration,
  secretFile: string | undefined,
  { terminal, variables }: Context,
): Promise<Fields> {
  let fields: Fields = secretFile === undefined ? {} : fieldsOfFile(secretFile);
  for (const needed of neededSecrets(integration)) {
    if (hasValue(fields, needed)) continue;
    const name = needed.path.join('.');
    const value = variables[needed.variable] || (await terminal.askHidden(`${name} (is not shown): `));
    if (value === undefined || value === '') {
      throw new CommandFailed(
        `${name} is missing, which the entry needs: type it, or give it by --secret-file or ${needed.variable}`,
      );
    }
    fields = withValue(fields, needed, value);
  }
  const isEncrypting = integration.encrypted_fields.length > 0;
  const complete: Fields = {
    signing_secrets: [newSigningSecret()],
    ...(isEncrypting && { encryption_key: randomBytes(SECRET_BYTES).toString('base64') }),
    ...fields,
  };
  const faults = secretFaults(integration, complete);
  if (faults.length > 0) throw new CommandFailed(`the secret would not be usable: ${faults.join('; ')}`);
  return complete;
}

function hasValue(fields: Fields, { path: [first, second] }: NeededSecret): boolean {
  const outer = Object.hasOwn(fields, first) ? fields[first] : undefined;
  return second === undefined ? outer !== undefined : isFields(outer) && Object.hasOwn(outer, second);
}

function withValue(fields: Fields, { path: [first, second] }: NeededSecret, value: string): Fields {
  if (second === undefined) return { ...fields, [first]: value };
  const outer = fields[first];
  return { ...fields, [first]: { ...(isFields(outer) ? outer : {}), [second]: value } };
}

/** The error of JSON.parse quotes the text, so it is not told. */
function fieldsOfFile(file: string): Fields {
  const text = readTextFile(file);
  try {
    const fields: unknown = JSON.parse(text);
    if (isFields(fields)) return fields;
  } catch {
    // Said below.
  }
  throw new CommandFailed(`${file} is not a JSON object of the secret’s keys`);
}
