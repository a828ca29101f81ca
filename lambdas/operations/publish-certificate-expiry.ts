import type { IntegrationNotices } from '../ledger/integration-notices.ts';
import { type Validity, validityOf } from '../partners/certificate-expiry.ts';
import { clientCertificateOf } from '../partners/client-certificate.ts';
import type { IntegrationRegistry } from '../partners/integration-registry.ts';
import type { IntegrationSecret } from '../partners/integration-secret.ts';
import { chunksOf } from '../shared/chunks.ts';
import { ConfigurationUnavailable, SecretUnusable } from '../shared/errors.ts';
import type { Log } from '../shared/log.ts';
import { type Counter, METRICS } from '../shared/metric-definitions.ts';

export interface CertificateExpiryServices {
  readonly integrations: { read(): Promise<IntegrationRegistry | undefined> };
  /** @throws SecretUnavailable, SecretUnusable */
  readSecret(integrationId: string): Promise<IntegrationSecret>;
  readonly notices: Pick<IntegrationNotices, 'certificateExpiring'>;
  readonly log: Log;
  readonly counter: Counter;
  now(): number;
}

/** The client certificate of one integration. */
export interface CertificateState extends Validity {
  readonly integrationId: string;
  readonly expiresAtMs: number;
}

/** Secrets that are read at the same time: the connections of the client. */
const PARALLEL_READS = 50;

/**
 * Publishes the days until the first client certificate of an active integration expires, and logs and announces each one that
 * expires soon or has expired. An unusable secret is logged too; its deliveries are dead-lettered, which has an alarm of its own.
 *
 * @returns those that expire soon or have expired
 * @throws ConfigurationUnavailable if the integrations cannot be read
 * @throws the first SecretUnavailable, after all secrets were attempted: the schedule's queue reports it
 */
export async function publishCertificateExpiry(
  services: CertificateExpiryServices,
): Promise<readonly CertificateState[]> {
  const { integrations, notices, log, counter } = services;
  const registry = await integrations.read();
  if (registry === undefined) throw new ConfigurationUnavailable('the integrations were never read');
  const ids = [...registry.byId.values()].flatMap(({ id, active, client_certificate }) =>
    active && client_certificate ? id : [],
  );
  const found: CertificateState[] = [];
  const failures: unknown[] = [];
  for (const some of chunksOf(ids, PARALLEL_READS)) {
    for (const read of await Promise.allSettled(some.map((id) => readState(id, services)))) {
      if (read.status === 'rejected') failures.push(read.reason);
      else if (read.value !== undefined) found.push(read.value);
    }
  }
  if (found.length > 0) {
    counter.measure(METRICS.certificateDaysLeft, Math.min(...found.map(({ daysLeft }) => daysLeft)));
  }
  const expiring = found.filter(({ state }) => state === 'expiring' || state === 'expired');
  for (const { integrationId, state, daysLeft, expiresAtMs } of expiring) {
    log.warn('certificate.expiring', {
      integration_id: integrationId,
      state,
      days_left: Math.floor(daysLeft),
      expires_at: new Date(expiresAtMs).toISOString(),
    });
  }
  for (const some of chunksOf(expiring, PARALLEL_READS)) {
    await Promise.all(some.map((one) => notices.certificateExpiring(one.integrationId, one.expiresAtMs)));
  }
  if (failures.length > 0) throw failures[0];
  return expiring;
}

/** @returns undefined if the secret has no usable certificate. @throws SecretUnavailable */
async function readState(
  integrationId: string,
  { readSecret, log, now }: CertificateExpiryServices,
): Promise<CertificateState | undefined> {
  try {
    const certificate = clientCertificateOf(integrationId, await readSecret(integrationId), 'current');
    if (!('instead' in certificate)) {
      return { integrationId, expiresAtMs: certificate.expiresAtMs, ...validityOf(certificate, now()) };
    }
    log.warn('certificate.unusable', {
      integration_id: integrationId,
      reason: `the secret has ${certificate.instead}`,
    });
  } catch (thrown) {
    if (!(thrown instanceof SecretUnusable)) throw thrown;
    log.warn('certificate.unusable', { integration_id: integrationId, reason: thrown.message });
  }
  return undefined;
}
