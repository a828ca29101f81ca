import { once } from 'node:events';
import { setImmediate } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { attemptWithinLimits } from '../../lambdas/delivery/limited-attempts.ts';
import type { Limiter } from '../../lambdas/limiter/limiter.ts';
import { createHttpsSender } from '../../lambdas/partners/http/sender.ts';
import { delivery, ENRICHED, fakeCounter, fakeLog, integration } from '../support/factories.ts';
import { openLimiter, sendingServices } from '../support/sending.ts';

/**
 * A partner in its own thread, so that it continues while this thread is blocked. It responds after 20 ms, or to `/waiting`
 * when the test decides. Its received requests and its responses are counted in shared memory.
 */
const PARTNER = `
  const { createServer } = require('node:http');
  const { parentPort, workerData } = require('node:worker_threads');
  const counts = new Int32Array(workerData);
  const waiting = [];
  const server = createServer((request, response) => {
    request.resume().on('end', () => {
      Atomics.add(counts, 0, 1);
      const respond = () => response.end(() => { Atomics.add(counts, 1, 1); Atomics.notify(counts, 1); });
      if (request.url === '/waiting') waiting.push(respond);
      else setTimeout(respond, 20);
    });
  });
  parentPort.on('message', () => { for (const respond of waiting.splice(0)) respond(); });
  server.listen(0, '127.0.0.1', () => parentPort.postMessage(server.address().port));
`;
const counts = new Int32Array(new SharedArrayBuffer(8));
const partner = new Worker(PARTNER, { eval: true, workerData: counts.buffer });
let port = 0;
beforeAll(async () => {
  [port] = (await once(partner, 'message')) as [number];
});
afterAll(() => partner.terminate());

/** Attempts at one integration, their durations, and the calls of `reportSlow`. */
function attempts(path: string, reportSlow: Limiter['reportSlow']) {
  const sender = createHttpsSender({ allowPlainHttp: true, allowedCidrs: ['127.0.0.0/8'], allowedPorts: 'any' });
  const to = integration({ url: `http://127.0.0.1:${port}${path}` });
  const limiter = openLimiter({
    reportSlow,
    acquire: async () => ({ decisions: [{ verdict: 'allow' }], isSlow: false, wantsReport: true }),
  });
  const more = { limiter, log: fakeLog(), counter: fakeCounter(), random: () => 0.5 };
  const services = { ...sendingServices([], { sender, now }), ...more };
  const begin = async () => {
    const ready = { delivery: delivery(), enrichment: ENRICHED };
    const { outcomes, reported } = await attemptWithinLimits(to, [ready], services, true);
    await reported;
    return outcomes[0];
  };
  return { begin, limiter };
}

/** Offset of the clock to the real one. */
let aheadMs = 0;
const now = () => Date.now() + aheadMs;

/**
 * Blocks this thread's event loop: for 3 s by the clock, and in fact until the partner has responded to every request that
 * it received, and for longer than a timer that is set.
 */
function block(): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 300);
  for (let responded = -1; responded !== Atomics.load(counts, 0); ) {
    responded = Atomics.load(counts, 1);
    Atomics.wait(counts, 1, responded, 100);
  }
  aheadMs += 3_000;
}

test('a partner that responds within 20 ms is not slow while this process is busy', async () => {
  const reportSlow = jest.fn(async () => {});
  const { begin, limiter } = attempts('/', reportSlow);
  const begun: Promise<unknown>[] = [];
  // Each is one turn of the event loop further than the next: from not connected to responded.
  for (let turn = 0; turn < 20; turn += 1) {
    begun.push(begin());
    await setImmediate();
  }
  begun.push(begin());
  block();
  const outcomes = await Promise.all(begun);
  expect(outcomes).toMatchObject(outcomes.map(() => ({ to: 'settle', result: { outcome: 'delivered' } })));
  expect(reportSlow).not.toHaveBeenCalled();
  expect(limiter.reports.filter(({ tookMs }) => tookMs >= 3_000)).toEqual([]);
});

test('a partner that keeps requests waiting is slow', async () => {
  const noticed = Promise.withResolvers<void>();
  const { begin, limiter } = attempts('/waiting', async () => noticed.resolve());
  const received = Atomics.load(counts, 0);
  const begun = begin();
  while (Atomics.load(counts, 0) === received) await setImmediate();
  aheadMs += 3_000;
  await noticed.promise;
  partner.postMessage('respond');
  expect(await begun).toMatchObject({ result: { outcome: 'delivered' } });
  expect(limiter.reports).toMatchObject([{ passed: 1 }]);
});
