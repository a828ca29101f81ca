import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { afterAsk, type BreakerState, CLOSED, passageAt } from '../../lambdas/domain/warehouse-breaker.ts';

const limits = { failuresToOpen: 3, openMs: 10_000, slowMs: 8_000 };
const NOW = 1_000_000;

/** The state after asks that ended so: how long each took, or that it failed. */
function stateAfter(outcomes: readonly (number | 'failed')[], from: BreakerState = CLOSED): BreakerState {
  return outcomes.reduce<BreakerState>((state, outcome) => {
    const isAnswered = outcome !== 'failed';
    const ended = {
      passage: 'asks',
      isAnswered,
      tookMs: isAnswered ? outcome : 10_000,
      nowMs: NOW,
      random: 0.5,
    } as const;
    return afterAsk(state, ended, limits);
  }, from);
}

describe('the breaker opens', () => {
  test('after failures in a row, and not one before', () => {
    expect(stateAfter(['failed', 'failed'])).toEqual({ status: 'closed', failuresInARow: 2 });
    expect(stateAfter(['failed', 'failed', 'failed'])).toEqual({ status: 'open', probeAtMs: NOW + 10_000 });
  });

  test('after slow answers in a row, which count like failures', () => {
    expect(stateAfter([8_000, 'failed', 9_000])).toMatchObject({ status: 'open' });
    expect(stateAfter([7_999, 7_999, 7_999])).toEqual(CLOSED);
  });

  test('for no number of failures that a good answer comes between', () => {
    expect(stateAfter(['failed', 'failed', 200, 'failed', 'failed'])).toEqual({ status: 'closed', failuresInARow: 2 });
  });

  test('for 8 to 12 of 10 s, as chance has it', () => {
    fc.assert(
      fc.property(fc.double({ min: 0, max: 1, noNaN: true }), (random) => {
        const ended = { passage: 'asks', isAnswered: false, tookMs: 0, nowMs: NOW, random } as const;
        const state = afterAsk({ status: 'closed', failuresInARow: 2 }, ended, limits);
        if (state.status !== 'open') throw new Error(state.status);
        expect(state.probeAtMs - NOW).toBeGreaterThanOrEqual(8_000);
        expect(state.probeAtMs - NOW).toBeLessThanOrEqual(12_000);
      }),
    );
  });
});

describe('an open breaker', () => {
  const open: BreakerState = { status: 'open', probeAtMs: NOW };

  test('lets nothing pass, then one, and no second beside it', () => {
    expect(passageAt(open, NOW - 1).passage).toBe('stays');
    const first = passageAt(open, NOW);
    expect(first.passage).toBe('probes');
    expect(passageAt(first.next, NOW).passage).toBe('stays');
  });

  test.each([
    ['closes where the probe is answered in time', true, 500, 'closed'],
    ['stays open where it is answered slowly', true, 8_000, 'open'],
    ['stays open where it fails', false, 500, 'open'],
  ])('%s', (_, isAnswered, tookMs, status) => {
    const ended = { passage: 'probes', isAnswered, tookMs, nowMs: NOW, random: 0.5 } as const;
    expect(afterAsk({ status: 'probing' }, ended, limits).status).toBe(status);
  });

  test('is not moved by an ask that began before it opened', () => {
    for (const state of [open, { status: 'probing' } as const])
      expect(stateAfter([200, 'failed'], state)).toEqual(state);
  });
});

test('a warehouse that is down for good is asked once in each open time, however many want to', () => {
  let state = stateAfter(['failed', 'failed', 'failed']);
  let asked = 0;
  for (let nowMs = NOW; nowMs < NOW + 100_000; nowMs += 10) {
    const { passage, next } = passageAt(state, nowMs);
    state = next;
    if (passage === 'stays') continue;
    asked += 1;
    state = afterAsk(state, { passage, isAnswered: false, tookMs: 0, nowMs, random: 0.5 }, limits);
  }
  expect(asked).toBe(9);
});
