import { describeValidity, validityOf } from '../../lambdas/partners/certificate-expiry.ts';
import {
  CERTIFICATE_KEYS,
  type ClientCertificate,
  clientCertificateOf,
} from '../../lambdas/partners/client-certificate.ts';
import type { Context } from '../shared/context.ts';
import { CommandFailed } from '../shared/failures.ts';
import type { Stage } from '../shared/stage.ts';
import { withoutPair } from './certificate-rotation.ts';
import { type PairFiles, withPair } from './collect-certificate.ts';
import { readDeployedIntegrations } from './deployed-integrations.ts';
import { readSecret, type StoredSecret, secretName, writeSecret } from './integration-secrets.ts';
import { entryOf } from './integrations-document.ts';

export interface NextCertificateOptions extends PairFiles {
  readonly stage: string;
}

/**
 * `integration next-certificate`: stores a client certificate and its key beside the current pair, where only test events
 * present it. A next pair that is there already is replaced.
 */
export async function nextCertificate(id: string, options: NextCertificateOptions, context: Context): Promise<number> {
  const stage = await context.openStage(options.stage);
  entryOf((await readDeployedIntegrations(stage)).document, id);
  const { fields } = await storedSecret(stage, id);
  const changed = await withPair(withoutPair(fields, 'next'), 'next', options, context);
  const certificate = usableNextPair(id, changed, context.now());
  await writeSecret(stage, id, changed);
  const until = new Date(certificate.expiresAtMs).toISOString().slice(0, 10);
  context.terminal.print(`the next client certificate is stored in ${secretName(stage, id)}; it expires on ${until}.
To try it: ./ltw send-test --integration ${id} --stage ${stage.name} --next
Then: ./ltw integration switch-certificate ${id} --stage ${stage.name}`);
  return 0;
}

/** @throws CommandFailed where there is none */
export async function storedSecret(stage: Stage, id: string): Promise<StoredSecret> {
  const stored = await readSecret(stage, id);
  if (stored !== undefined) return stored;
  throw new CommandFailed(`there is no secret ${secretName(stage, id)}, or it has no value`);
}

/** @throws CommandFailed that names the fault of the next pair */
export function usableNextPair(id: string, fields: StoredSecret['fields'], nowMs: number): ClientCertificate {
  const certificate = clientCertificateOf(id, fields, 'next');
  if ('instead' in certificate) throw new CommandFailed(`the secret would have ${certificate.instead}`);
  const { state } = validityOf(certificate, nowMs);
  if (state === 'valid' || state === 'expiring') return certificate;
  throw new CommandFailed(`the secret would have ${describeValidity(certificate, CERTIFICATE_KEYS.next.chain, nowMs)}`);
}
