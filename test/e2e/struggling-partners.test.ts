import { afterAll, expect, test } from '@jest/globals';
import { webhookId } from '../../lambdas/domain/identity.ts';
import { until } from '../support/assembly.ts';
import { startPartner } from '../support/partner-server.ts';
import { deadLettersOf, linesOf, publishTo, receiptsOf, runningWorld } from './running-world.ts';

/**
 * At this scale a parked event wakes for the fifth time 33 to 41 s after it was parked: soon after the 30 s (of real time)
 * for which a breaker stays open.
 */
const TIME_SCALE = 50;

/**
 * A partner who answers more than so many requests within a second with 429, and asks for a pause of a second.
 *
 * @param spent  so many requests are refused at first, as where others have used up the limit: however slowly the
 *   functions start, some meet a 429
 */
async function startStrictPartner(mostPerSecond: number, spent = 0) {
  const answered: { readonly webhookId: string; readonly atMs: number; readonly status: number }[] = [];
  const server = await startPartner((answer, { headers }) => {
    const atMs = performance.now();
    const recent = answered.filter((one) => one.atMs > atMs - 1000).length;
    const status = recent < mostPerSecond && answered.length >= spent ? 200 : 429;
    answered.push({ webhookId: String(headers['webhook-id']), atMs, status });
    answer.writeHead(status, status === 429 ? { 'retry-after': '1' } : {}).end();
  });
  return { url: server.url, answered, close: () => server.close() };
}

const stormed = await startStrictPartner(10, 5);
const limited = await startStrictPartner(15);
afterAll(() => Promise.all([stormed.close(), limited.close()]));

const world = runningWorld({
  timeScale: TIME_SCALE,
  partners: {
    healthy: { answers: 200 },
    hanging: { answers: 'hang', entry: { timeout_seconds: 5, max_retries: 0 } },
    failing: { answers: 503 },
    stormed: { answers: 200, entry: { url: stormed.url } },
    limited: { answers: 200, entry: { url: limited.url, max_requests_per_minute: 300 } },
  },
  // Forty webhooks that wait at a time would otherwise be forty processes.
  platformOptions: { accountConcurrency: 24 },
});

const numbered = (name: string, count: number) => Array.from({ length: count }, (_, index) => `${name}-${index}`);

test('while one partner hangs, another’s events arrive', async () => {
  await publishTo(world(), 'healthy', ['first']);
  await until(() => receiptsOf(world(), 'healthy', 'first').length > 0, 30_000);
  // More than the queue's readers take at once: what comes after them waits for one that hangs. How many get through
  // before the gate has noticed depends on how fast the functions start.
  await publishTo(world(), 'hanging', numbered('hung', 50));
  const hanging = () => world().partner.receipts.filter(({ integration_id }) => integration_id === 'hanging');
  await until(() => hanging().length >= 10, 30_000);
  const beside = numbered('beside', 12);
  const publishedAt = Date.now();
  await publishTo(world(), 'healthy', beside);

  await until(() => beside.every((id) => receiptsOf(world(), 'healthy', id).length > 0), 30_000);
  expect(Date.now() - publishedAt).toBeLessThan(15_000);
}, 60_000);

test('a rate limit: a partner who would answer 429 never has to, over concurrent functions', async () => {
  const ids = numbered('spread', 40);
  await publishTo(world(), 'limited', ids);
  const isOf = (id: string) => (one: { readonly webhookId: string }) => one.webhookId === webhookId('limited', id);
  await until(() => ids.every((id) => limited.answered.some(isOf(id))), 60_000);

  expect(limited.answered.map(({ status }) => status)).toEqual(ids.map(() => 200));
  const spanMs = Number(limited.answered.at(-1)?.atMs) - Number(limited.answered[0]?.atMs);
  // 39 gaps of 204 ms; the first may be late by what a cold start takes.
  expect(spanMs).toBeGreaterThan(4_000);
  const lines = world().platform.functions.find('deliver-batch').logs();
  const tried = lines.filter(({ text }) => text.includes('delivery.attempted') && text.includes('"limited"'));
  expect(new Set(tried.map(({ processId }) => processId)).size).toBeGreaterThan(1);
}, 90_000);

test.concurrent('a partner that fails gets no more requests, and everything when it is back', async () => {
  const { partner } = world();
  const early = numbered('early', 12);
  await publishTo(world(), 'failing', early);
  await until(() => early.every((id) => linesOf(world(), 'delivery.parked', 'failing', id).length > 0), 60_000);
  const late = numbered('late', 5);
  await publishTo(world(), 'failing', late);
  await until(() => late.every((id) => linesOf(world(), 'delivery.parked', 'failing', id).length > 0), 60_000);
  expect(late.flatMap((id) => receiptsOf(world(), 'failing', id))).toEqual([]);
  expect(linesOf(world(), 'delivery.parked', 'failing', 'late-0')[0]?.reason).toBe(
    'parked: integration failing is failing',
  );

  partner.setBehaviour('/failing', 200);
  const all = [...early, ...late];
  const delivered = (id: string) => linesOf(world(), 'delivery.attempted', 'failing', id).some(isDelivered);
  await until(() => all.every(delivered), 150_000);
  expect(late.map((id) => receiptsOf(world(), 'failing', id).length)).toEqual(late.map(() => 1));
  expect(await deadLettersOf(world(), 'failing')).toEqual([]);
}, 200_000);

test.concurrent('no limit configured, a storm of 429: every event arrives and none is parked or dead-lettered', async () => {
  const ids = numbered('storm', 40);
  await publishTo(world(), 'stormed', ids);
  const answersTo = (id: string) => stormed.answered.filter((one) => one.webhookId === webhookId('stormed', id));
  await until(() => ids.every((id) => answersTo(id).some(({ status }) => status === 200)), 150_000);

  expect(stormed.answered.some(({ status }) => status === 429)).toBe(true);
  // The partner asked for a pause, which does not open the circuit breaker.
  expect(ids.flatMap((id) => linesOf(world(), 'delivery.parked', 'stormed', id))).toEqual([]);
  expect(await deadLettersOf(world(), 'stormed')).toEqual([]);
}, 200_000);

function isDelivered({ outcome }: { readonly outcome?: unknown }): boolean {
  return outcome === 'delivered';
}
