import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { REPLAY_RESULTS, type Replayed, type ReplayResult } from '../../../commands/replay/replay-deliveries.ts';
import { formatReplay, isDone } from '../../../commands/replay/run-replay.ts';

const ids = (count: number, prefix = 'wh') => Array.from({ length: count }, (_, position) => `${prefix}_${position}`);

function replayed(results: Partial<Record<ReplayResult, readonly string[]>>, left = 0): Replayed {
  const none = Object.fromEntries(REPLAY_RESULTS.map((result) => [result, []])) as unknown as Record<
    ReplayResult,
    readonly string[]
  >;
  return { results: { ...none, ...results }, left };
}

describe('the result', () => {
  test('why others were not, ten of each by name, and what was not begun', () => {
    const formatted = formatReplay(
      replayed({ replayed: ids(1), refused: ['wh_r'], in_flight: ids(12) }, 3),
      'replayed',
    );
    expect(formatted).toBe(`replayed 1 of 17
12 skipped, in flight: a message or a function has it already
${ids(10)
  .map((id) => `  ${id}`)
  .join('\n')}
  and 2 more
1 not sent: the queue refused it, and the reconciler sends it later
  wh_r
3 not begun, and as they were: the same command finds them`);
  });

  test('every delivery is in its sum', () => {
    const counts = fc.record(
      Object.fromEntries(REPLAY_RESULTS.map((result) => [result, fc.nat(15)])) as Record<
        ReplayResult,
        fc.Arbitrary<number>
      >,
    );
    fc.assert(
      fc.property(counts, fc.nat(15), (howMany, left) => {
        const results = Object.fromEntries(REPLAY_RESULTS.map((result) => [result, ids(howMany[result])]));
        const all = REPLAY_RESULTS.reduce((sum, result) => sum + howMany[result], left);
        const formatted = formatReplay(replayed(results, left), 'replayed').split('\n');
        expect(formatted[0]).toBe(`replayed ${howMany.replayed} of ${all}`);
        const numbers = formatted.slice(1).flatMap((line) => /^\d+/.exec(line) ?? []);
        expect(numbers.reduce((sum, text) => sum + Number(text), howMany.replayed)).toBe(all);
      }),
    );
  });
});

test.each([
  ...(['replayed', 'in_flight', 'changed'] as const).map((result) => [result, true] as const),
  ...(['no_payload', 'refused', 'unconfirmed'] as const).map((result) => [result, false] as const),
])('%s: done is %s, unless something was not begun', (result, isIt) => {
  expect(isDone(replayed({ replayed: ids(5), [result]: ids(1) }))).toBe(isIt);
  expect(isDone(replayed({ [result]: ids(1) }, 1))).toBe(false);
});
