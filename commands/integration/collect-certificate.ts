import { CERTIFICATE_KEYS, type CertificatePair } from '../../lambdas/partners/client-certificate.ts';
import { readPrivateKey } from '../../lambdas/shared/pem.ts';
import { isEmptySecretValue } from '../../lambdas/shared/secret-text.ts';
import type { Context } from '../shared/context.ts';
import { CommandFailed } from '../shared/failures.ts';
import { readTextFile } from '../shared/read-file.ts';

type Fields = Readonly<Record<string, unknown>>;

/** The PEM files of a client certificate. */
export interface PairFiles {
  readonly certificateFile?: string | undefined;
  readonly keyFile?: string | undefined;
}

/**
 * Adds a client certificate and its key to a secret's fields: from files, else as the fields have them, else from the
 * environment. Neither is asked for, since a terminal reads one line. The passphrase of an encrypted key comes from the
 * environment, else it is asked for. Nothing is checked.
 *
 * @throws CommandFailed that names what is missing
 */
export async function withPair(
  fields: Fields,
  which: CertificatePair,
  { certificateFile, keyFile }: PairFiles,
  { terminal, variables }: Context,
): Promise<Fields> {
  const names = CERTIFICATE_KEYS[which];
  const chain = textOf('certificate', names.chain, certificateFile, variables.INTEGRATION_CLIENT_CERTIFICATE);
  const key = textOf('key', names.key, keyFile, variables.INTEGRATION_CLIENT_KEY);
  // Another key does not have the passphrase of the one before.
  const { [names.passphrase]: kept, ...others } = fields;
  const whole = { ...others, [names.chain]: chain, [names.key]: key };
  if (typeof key !== 'string' || !('passphrase' in readPrivateKey(key, undefined))) return whole;
  if (key === fields[names.key] && !isEmptySecretValue(kept)) return { ...whole, [names.passphrase]: kept };
  const passphrase =
    variables.INTEGRATION_CLIENT_KEY_PASSPHRASE || (await terminal.askHidden(`${names.passphrase} (hidden): `));
  return isEmptySecretValue(passphrase) ? whole : { ...whole, [names.passphrase]: passphrase };

  function textOf(option: string, name: string, file: string | undefined, variable: string | undefined): unknown {
    if (file !== undefined) return readTextFile(file);
    if (!isEmptySecretValue(fields[name])) return fields[name];
    if (variable !== undefined && variable !== '') return variable;
    const source = `--${option}-file or INTEGRATION_${name.replace('next_', '').toUpperCase()}`;
    throw new CommandFailed(`a client certificate needs ${name}: set it by ${source}`);
  }
}
