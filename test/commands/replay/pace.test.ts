import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { evenly, inTime, MOST_AT_A_TIME, together } from '../../../commands/replay/pace.ts';

const ids = (count: number) => Array.from({ length: count }, (_, position) => `wh_${position}`);

/** A clock that only waits move, and what was handed out when. */
function world() {
  const clock = {
    nowMs: 0,
    now: () => clock.nowMs,
    async sleep(durationMs: number) {
      clock.nowMs += durationMs;
    },
  };
  const handedOut: { readonly webhookId: string; readonly atMs: number }[] = [];
  return {
    clock,
    handedOut,
    async run(turns: ReturnType<typeof evenly>, workMs = 0, isInterrupted = () => false) {
      for await (const batch of inTime(turns, clock, isInterrupted)) {
        for (const webhookId of batch) handedOut.push({ webhookId, atMs: clock.nowMs });
        clock.nowMs += workMs;
      }
    },
  };
}

test('each once, in their order, whatever the pace and the way to AWS', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 0, max: 200 }),
      fc.double({ min: 0.5, max: 100, noNaN: true }),
      fc.integer({ min: 0, max: 2_000 }),
      async (count, perSecond, workMs) => {
        const { run, handedOut } = world();
        await run(evenly(ids(count), perSecond), workMs);
        expect(handedOut.map(({ webhookId }) => webhookId)).toEqual(ids(count));
        for (const [position, { atMs }] of handedOut.entries()) {
          const dueMs = Math.floor((position * 1000) / perSecond);
          expect(atMs).toBeGreaterThanOrEqual(dueMs);
          // What became due during one call goes together; only a call over a second long delays those behind it.
          if (workMs <= 1_000) expect(atMs).toBeLessThanOrEqual(dueMs + workMs + 1);
        }
      },
    ),
    { numRuns: 50 },
  );
});

test('after a standstill nothing is made up for: no more than a second’s worth, and at most so many', async () => {
  const { clock, run, handedOut } = world();
  const hourMs = 3600_000;
  let isFrozen = false;
  const sleep = clock.sleep;
  clock.sleep = async (durationMs) => {
    await sleep(isFrozen ? durationMs : hourMs);
    isFrozen = true;
  };
  await run(evenly(ids(100), 10));
  expect(handedOut.filter(({ atMs }) => atMs === hourMs)).toHaveLength(11);
  expect(handedOut.at(-1)?.atMs).toBeGreaterThan(hourMs + 8_000);
});

test(`at most ${MOST_AT_A_TIME} are handed out together`, async () => {
  const sizes: number[] = [];
  const turns = evenly(ids(120), 1_000_000);
  const clock = { now: () => 1000 * sizes.length, sleep: async () => {} };
  for await (const batch of inTime(turns, clock, () => false)) sizes.push(batch.length);
  expect(Math.max(...sizes)).toBe(MOST_AT_A_TIME);
});

test('interrupted, nothing more is handed out: a long wait notices it within half a second', async () => {
  const { clock, run, handedOut } = world();
  await run(evenly(ids(2), 1 / 60), 0, () => clock.nowMs >= 2_000);
  expect({ handedOut: handedOut.length, nowMs: clock.nowMs }).toEqual({ handedOut: 1, nowMs: 2_000 });
});

test('several lists keep each its own pace', async () => {
  const { run, handedOut } = world();
  await run(together([evenly(['a1', 'a2', 'a3'], 1), evenly(['b1', 'b2'], 2)]));
  expect(handedOut).toEqual([
    { webhookId: 'a1', atMs: 0 },
    { webhookId: 'b1', atMs: 0 },
    { webhookId: 'b2', atMs: 500 },
    { webhookId: 'a2', atMs: 1000 },
    { webhookId: 'a3', atMs: 2000 },
  ]);
});
