import { createServer } from 'node:https';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { attemptWithinLimits, type LimitedAttemptsServices } from '../../lambdas/delivery/limited-attempts.ts';
import { createValkeyLimiter, type ValkeyLimiter } from '../../lambdas/limiter/valkey-limiter.ts';
import { createHttpsSender } from '../../lambdas/partners/http/sender.ts';
import type { Integration } from '../../lambdas/partners/integration.ts';
import { METRICS } from '../../lambdas/shared/metric-definitions.ts';
import { listen } from '../../local/http-server.ts';
import { type RunningValkey, startValkey } from '../../local/valkey/start-valkey.ts';
import { until } from '../support/assembly.ts';
import { closedAfterEach } from '../support/closed-after-each.ts';
import { delivery, ENRICHED, fakeCounter, fakeLog, integration } from '../support/factories.ts';
import { sendingServices } from '../support/sending.ts';
import {
  TEST_ONLY_AUTHORITY,
  TEST_ONLY_ELSEWHERE,
  TEST_ONLY_EXPIRED,
  TEST_ONLY_INCOMPLETE,
  TEST_ONLY_SIGNED,
} from '../support/test-only-authority.ts';
import { TEST_ONLY_KEY } from '../support/test-only-certificate.ts';

const keep = closedAfterEach();
const before = getCACertificates('default');
let valkey: RunningValkey;
let limiter: ValkeyLimiter;
beforeAll(async () => {
  setDefaultCACertificates([...before, TEST_ONLY_AUTHORITY]);
  valkey = await startValkey();
  const log = fakeLog();
  const deadlines = { commandMs: 30_000, firstConnectionMs: 30_000, reconnectionMs: 30_000, connectMs: 30_000 };
  const shared = { slowAttempts: 10, environments: 10, deadlines, log };
  limiter = createValkeyLimiter({ host: '127.0.0.1', port: valkey.port, tls: false, ...shared });
  limiter.connect();
  // Only the server remembers a report.
  const unheard = integration({ id: 'unheard' });
  const report = { passed: 0, failed: 0, isGone: true, throttled: 0, sentAgoMs: 0, retryAfterMs: 0, tookMs: 0 };
  await until(async () => (await limiter.report(unheard, report)) !== undefined);
});
afterAll(async () => {
  setDefaultCACertificates(before);
  await limiter.close();
  await valkey.stop();
});

/** A partner with this certificate, and an attempt at a time through its limiter. */
async function startPartner(id: string, cert: string) {
  let requests = 0;
  const server = createServer({ cert, key: TEST_ONLY_KEY }, (_, response) => {
    requests += 1;
    response.end();
  });
  const { port } = await keep(listen(server, 0, 'https'));
  const sender = createHttpsSender({ allowPlainHttp: false, allowedCidrs: ['127.0.0.0/8'], allowedPorts: 'any' });
  const [log, counter] = [fakeLog(), fakeCounter()];
  const services: LimitedAttemptsServices = {
    ...sendingServices([], { sender }),
    ...{ limiter, log, counter, random: () => 0.5, now: Date.now },
  };
  // The schema refuses this host, which the certificates are for.
  const url = `https://localhost:${port}/`;
  const to = (more: Partial<Integration>): Integration => ({ ...integration({ id, ...more }), url });
  return {
    log,
    counter,
    requests: () => requests,
    renew: () => server.setSecureContext({ cert: TEST_ONLY_SIGNED, key: TEST_ONLY_KEY }),
    async attempt(more: Partial<Integration> = {}) {
      const ready = { delivery: delivery(ENRICHED), enrichment: ENRICHED };
      const { outcomes, reported } = await attemptWithinLimits(to(more), [ready], services, false);
      await reported;
      const outcome = await outcomes[0];
      return outcome?.to === 'settle' ? [outcome.result.outcome, outcome.result.attempt, outcome.result.reason] : [];
    },
  };
}

test.each([
  ['expired', TEST_ONLY_EXPIRED, 'CERT_HAS_EXPIRED', 'has expired'],
  ['incomplete', TEST_ONLY_INCOMPLETE, 'UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'is incomplete'],
] as const)(
  'a certificate that is %s is retried three times, then the integration is parked until it is renewed and resumed',
  async (what, cert, code, is) => {
    const partner = await startPartner(what, cert);
    for (let failures = 0; failures < 3; failures += 1) {
      expect(partner.counter.counts[METRICS.integrationParked]).toBeUndefined();
      expect(await partner.attempt()).toEqual(['retry', 1, `no response: ${code}`]);
    }
    expect(partner.counter.counts[METRICS.integrationParked]).toBe(1);
    expect(partner.log.only('integration.parked')).toMatchObject({ reason: `certificate_${what}`, is_new: true });
    partner.renew();
    expect(await partner.attempt()).toEqual(['retry', 0, `parked: the certificate of integration ${what} ${is}`]);
    expect(await partner.attempt({ resumed_at: '2026-01-15T12:00:00Z' })).toEqual(['delivered', 1, 'HTTP 200']);
    expect(partner.requests()).toBe(1);
  },
);

test('a certificate of another host is dead-lettered each time, and parks nothing', async () => {
  const partner = await startPartner('elsewhere', TEST_ONLY_ELSEWHERE);
  for (let failures = 0; failures < 4; failures += 1) {
    expect(await partner.attempt()).toEqual(['dead', 1, 'no response: ERR_TLS_CERT_ALTNAME_INVALID']);
  }
  expect([partner.requests(), partner.counter.counts[METRICS.integrationParked]]).toEqual([0, undefined]);
});
