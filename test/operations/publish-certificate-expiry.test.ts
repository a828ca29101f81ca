import { expect, test } from '@jest/globals';
import { publishCertificateExpiry } from '../../lambdas/operations/publish-certificate-expiry.ts';
import type { IntegrationSecret } from '../../lambdas/partners/integration-secret.ts';
import { SecretUnusable } from '../../lambdas/shared/errors.ts';
import { METRICS } from '../../lambdas/shared/metric-definitions.ts';
import { fakeCounter, fakeNotices, integration, NOW, registry } from '../support/factories.ts';
import { recordingLog } from '../support/recording-log.ts';
import { SECRETS_DOWN, secret } from '../support/sending.ts';
import {
  ACME_CERTIFICATE,
  ACME_KEY,
  EXPIRED_CERTIFICATE,
  NEXT_CERTIFICATE,
} from '../support/test-only-client-certificates.ts';

const DAY_MS = 86_400_000;
/** When the certificates of the tests expire. */
const END = Date.UTC(2125, 11, 31);
const PAIR = secret({ client_certificate: ACME_CERTIFICATE, client_key: ACME_KEY });
const PRESENTING = { client_certificate: true } as const;

/** Runs it over these secrets; an id's integration presents a certificate unless `settings` has another entry. */
async function publish(
  secrets: Readonly<Record<string, IntegrationSecret | Error>>,
  nowMs: number,
  settings: Readonly<Record<string, object>> = {},
) {
  const [log, counter, notices, read] = [recordingLog(), fakeCounter(), fakeNotices(), [] as string[]];
  const entries = Object.keys(secrets).map((id) => integration({ id, ...PRESENTING, ...settings[id] }));
  const running = publishCertificateExpiry({
    integrations: { read: async () => registry(...entries) },
    async readSecret(id) {
      read.push(id);
      const found = secrets[id];
      if (found === undefined || found instanceof Error) throw found;
      return found;
    },
    ...{ notices, log, counter, now: () => nowMs },
  });
  const failure = await running.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  return { read, failure, lines: log.lines, measured: counter.measured, announced: notices.announced };
}

test('publishes the fewest days, logs and announces the certificates that expire soon or have expired', async () => {
  const expired = secret({ client_certificate: EXPIRED_CERTIFICATE, client_key: ACME_KEY });
  const { measured, lines, announced, failure } = await publish({ acme: PAIR, old: expired }, NOW);
  expect(announced).toEqual([`old expires ${Date.UTC(2025, 0, 2)}`]);
  expect(measured).toEqual([[METRICS.certificateDaysLeft, (Date.UTC(2025, 0, 2) - NOW) / DAY_MS]]);
  const fields = { integration_id: 'old', state: 'expired', days_left: -379, expires_at: '2025-01-02T00:00:00.000Z' };
  expect(lines).toEqual([{ level: 'warn', message: 'certificate.expiring', fields }]);
  expect(failure).toBeUndefined();
  const soon = await publish({ acme: PAIR }, END - 30 * DAY_MS);
  expect(soon.measured).toEqual([[METRICS.certificateDaysLeft, 30]]);
  expect(soon.lines).toMatchObject([{ fields: { integration_id: 'acme', state: 'expiring', days_left: 30 } }]);
  expect(soon.announced).toEqual([`acme expires ${END}`]);
  expect(await publish({ acme: PAIR }, END - 30 * DAY_MS - 1)).toMatchObject({ lines: [], announced: [] });
});

test('reads the secrets of active integrations that present a certificate, and no others', async () => {
  const settings = { inactive: { active: false }, without: { client_certificate: false }, paused: { paused: true } };
  const ids = ['acme', 'inactive', 'without', 'paused'];
  const { read } = await publish(Object.fromEntries(ids.map((id) => [id, PAIR])), NOW, settings);
  expect(read).toEqual(['acme', 'paused']);
  expect(await publish({}, NOW)).toMatchObject({ measured: [], failure: undefined });
});

test('reports a secret without a usable certificate, and none of its values', async () => {
  const mismatch = secret({ client_certificate: NEXT_CERTIFICATE, client_key: ACME_KEY });
  const { lines, measured, failure } = await publish({ a: mismatch, b: new SecretUnusable('no secret'), c: PAIR }, NOW);
  expect(lines.map(({ message, fields }) => [message, fields.integration_id, fields.reason])).toEqual([
    ['certificate.unusable', 'a', expect.stringMatching(/^the secret has a client_key that does not belong /)],
    ['certificate.unusable', 'b', 'no secret'],
  ]);
  expect([measured.length, failure]).toEqual([1, undefined]);
  expect(JSON.stringify(lines)).not.toContain('BEGIN');
});

test('fails after it has published the others if a secret cannot be read, and if the integrations cannot', async () => {
  const { measured, failure } = await publish({ a: SECRETS_DOWN, b: PAIR }, NOW);
  expect([measured.length, failure]).toEqual([1, SECRETS_DOWN]);
  const services = {
    ...{ readSecret: async () => PAIR, notices: fakeNotices() },
    ...{ log: recordingLog(), counter: fakeCounter(), now: () => NOW },
  };
  const running = publishCertificateExpiry({ ...services, integrations: { read: async () => undefined } });
  await expect(running).rejects.toThrow('the integrations were never read');
});
