import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { clientOpener, disconnect, type ValkeyClient } from '../../lambdas/valkey/client.ts';
import { type RunningValkey, startValkey } from '../../local/valkey/start-valkey.ts';
import { integration } from '../support/factories.ts';
import { type Storm, simulateStorm } from '../support/simulated-throttling.ts';

// More limits, windows and seeds: npm run storms.

let server: RunningValkey;
let client: ValkeyClient;
beforeAll(async () => {
  server = await startValkey();
  client = await clientOpener({ host: '127.0.0.1', port: server.port, tls: false })(2_000);
});
afterAll(async () => {
  disconnect(client);
  await server.stop();
});

const SECOND = 1_000;
let storms = 0;

/** Events for a partner without a configured limit, which accepts 10 a second. */
function storm(about: Partial<Omit<Storm, 'partner'>> & { partner?: Partial<Storm['partner']> }) {
  storms += 1;
  return simulateStorm({
    ...{ client, integration: integration({ id: `storm-${storms}` }), events: 1_000, environments: 10, seed: 1 },
    ...about,
    partner: { limit: 10, windowMs: SECOND, kind: 'fixed', hasRetryAfter: true, ...about.partner },
  });
}

test.each([
  ['fixed', 10],
  ['sliding', 4],
] as const)(
  '1,000 events for 10 a second (%s windows, %i environments) take 125 s, and 5%% more requests than deliveries and those in flight',
  async (kind, environments) => {
    const { delivered, mostAttempts, tookMs, refused, inFlightAtFirst429 } = await storm({
      ...{ partner: { kind }, environments },
    });
    expect([delivered, mostAttempts]).toEqual([1_000, 1]);
    expect(tookMs).toBeLessThanOrEqual(125 * SECOND);
    expect(refused - inFlightAtFirst429).toBeLessThanOrEqual(50);
  },
);

test('at one a second at most one request a minute is refused', async () => {
  const { delivered, requests } = await storm({ partner: { limit: 1, kind: 'sliding' }, events: 200, environments: 3 });
  expect(delivered).toBe(200);
  // The first minute has those in flight at the first 429, and finds the rate.
  const later = requests.filter(({ atMs, isAccepted }) => !isAccepted && atMs > 60 * SECOND);
  const minutes = Math.ceil(((requests.at(-1)?.atMs ?? 0) - 60 * SECOND) / (60 * SECOND));
  expect(later.length).toBeLessThanOrEqual(minutes);
});

test.each([
  [1_000, 1, 'fixed', true, 2_500, 20, 2],
  [100, 1, 'sliding', true, 800, 20, 2],
  [100, 1, 'fixed', false, 800, 10, 6],
  [600, 60, 'sliding', true, 900, 10, 4],
  [10, 1, 'sliding', false, 300, 3, 3],
] as const)(
  'converges at %i per %i s (%s windows, Retry-After: %s): %i events, %i environments',
  async (limit, windowSeconds, kind, hasRetryAfter, events, environments, slowest) => {
    const partner = { limit, windowMs: windowSeconds * SECOND, kind, hasRetryAfter };
    const { delivered, tookMs, refused, inFlightAtFirst429 } = await storm({ partner, events, environments, seed: 2 });
    expect(delivered).toBe(events);
    // A window's worth of events is accepted at the beginning.
    const idealMs = Math.max(SECOND, ((events - limit) / limit) * windowSeconds * SECOND);
    expect(tookMs).toBeLessThanOrEqual(slowest * idealMs + 10 * SECOND);
    expect(refused - inFlightAtFirst429).toBeLessThanOrEqual(0.05 * events);
  },
);

test('converges in the workflow too, in few waits', async () => {
  const { delivered, tookMs, refused, inFlightAtFirst429, mostWaits } = await storm({
    isWorkflowOnly: true,
    events: 200,
  });
  expect([delivered, refused - inFlightAtFirst429]).toEqual([200, expect.closeTo(0, -1)]);
  expect(tookMs).toBeLessThanOrEqual(30 * SECOND);
  expect(mostWaits).toBeLessThanOrEqual(12);
});

test('a partner that always responds with 429 gets one request in five minutes, and no delivery spends an attempt', async () => {
  const hours = 6;
  const partner = { limit: 0 };
  const { delivered, dead, mostAttempts, requests } = await storm({
    ...{ partner, events: 4, environments: 2, limitMs: hours * 3_600 * SECOND },
  });
  expect([delivered, dead, mostAttempts]).toEqual([0, 0, 0]);
  // The four that were in flight, and eight halvings of the pace.
  expect(requests.length).toBeGreaterThan(10 * hours);
  expect(requests.length).toBeLessThanOrEqual(12 * hours + 12);
});
