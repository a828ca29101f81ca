import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import fc from 'fast-check';
import {
  afterCall,
  type BreakerState,
  CLOSED,
  createCircuitBreaker,
  verdictAt,
} from '../../lambdas/shared/circuit-breaker.ts';

const limits = { failuresToOpen: 3, openMs: 10_000, slowMs: 8_000 };
const NOW = 1_000_000;
const PROBING: BreakerState = { status: 'probing', giveUpAtMs: NOW + limits.openMs };

/** The state after calls that ended so: how long each took, or that it failed. */
function stateAfter(outcomes: readonly (number | 'failed')[], from: BreakerState = CLOSED): BreakerState {
  return outcomes.reduce<BreakerState>((state, outcome) => {
    const hasResponse = outcome !== 'failed';
    const ended = {
      verdict: 'allow',
      hasResponse,
      tookMs: hasResponse ? outcome : 10_000,
      nowMs: NOW,
      random: 0.5,
    } as const;
    return afterCall(state, ended, limits);
  }, from);
}

describe('the breaker opens', () => {
  test('after slow responses in a row, which count as failures', () => {
    expect(stateAfter([8_000, 'failed', 9_000])).toMatchObject({ status: 'open' });
    expect(stateAfter([7_999, 7_999, 7_999])).toEqual(CLOSED);
  });

  test('not after failures with a success in between', () => {
    expect(stateAfter(['failed', 'failed', 200, 'failed', 'failed'])).toEqual({ status: 'closed', failuresInARow: 2 });
  });

  test('for 10 s ±20%', () => {
    fc.assert(
      fc.property(fc.double({ min: 0, max: 1, noNaN: true }), (random) => {
        const ended = { verdict: 'allow', hasResponse: false, tookMs: 0, nowMs: NOW, random } as const;
        const state = afterCall({ status: 'closed', failuresInARow: 2 }, ended, limits);
        if (state.status !== 'open') throw new Error(state.status);
        expect(state.probeAtMs - NOW).toBeGreaterThanOrEqual(8_000);
        expect(state.probeAtMs - NOW).toBeLessThanOrEqual(12_000);
      }),
    );
  });
});

describe('an open breaker', () => {
  const open: BreakerState = { status: 'open', probeAtMs: NOW };

  test('rejects all calls, then allows one, and no second one in parallel', () => {
    expect(verdictAt(open, NOW - 1, limits).verdict).toBe('reject');
    const first = verdictAt(open, NOW, limits);
    expect(first.verdict).toBe('probe');
    expect(verdictAt(first.next, NOW, limits).verdict).toBe('reject');
    // The function that makes the probe may have been killed.
    expect(verdictAt(first.next, NOW + limits.openMs - 1, limits).verdict).toBe('reject');
    expect(verdictAt(first.next, NOW + limits.openMs, limits).verdict).toBe('probe');
  });

  test('is not open for longer because the clock was set back', () => {
    const hourBack = NOW - 3_600_000;
    expect(verdictAt({ status: 'open', probeAtMs: NOW + 12_000 }, NOW, limits).verdict).toBe('reject');
    expect(verdictAt(open, hourBack, limits).verdict).toBe('probe');
    expect(verdictAt(PROBING, hourBack, limits).verdict).toBe('probe');
  });

  test.each([
    ['closes if the probe has a timely response', true, 500, 'closed'],
    ['stays open if the probe is slow', true, 8_000, 'open'],
    ['stays open if the probe fails', false, 500, 'open'],
  ])('%s', (_, hasResponse, tookMs, status) => {
    const ended = { verdict: 'probe', hasResponse, tookMs, nowMs: NOW, random: 0.5 } as const;
    expect(afterCall(PROBING, ended, limits).status).toBe(status);
  });

  test('is not moved by a call that began before it opened', () => {
    for (const state of [open, PROBING]) expect(stateAfter([200, 'failed'], state)).toEqual(state);
  });
});

test('a service that stays down gets one call per open time', () => {
  let state = stateAfter(['failed', 'failed', 'failed']);
  let made = 0;
  for (let nowMs = NOW; nowMs < NOW + 100_000; nowMs += 10) {
    const { verdict, next } = verdictAt(state, nowMs, limits);
    state = next;
    if (verdict === 'reject') continue;
    made += 1;
    state = afterCall(state, { verdict, hasResponse: false, tookMs: 0, nowMs, random: 0.5 }, limits);
  }
  expect(made).toBe(9);
});

describe('calls through a breaker', () => {
  beforeEach(() => {
    jest.useFakeTimers({ now: NOW });
  });
  afterEach(() => {
    jest.useRealTimers();
  });
  const unreachable = new Error('unreachable');
  /** A breaker, a clock, and how its calls end. */
  function world() {
    const clock = { nowMs: NOW };
    const changes: string[] = [];
    const breaker = createCircuitBreaker({
      limits,
      onChange: ({ status }) => changes.push(status),
      now: () => clock.nowMs,
      random: () => 0.5,
    });
    const call = (tookMs: number, thrown?: Error, isFault?: (error: unknown) => boolean) =>
      breaker
        .run(
          async () => {
            for (let passed = 0; passed < tookMs; passed += 50) {
              clock.nowMs += Math.min(50, tookMs - passed);
              await jest.advanceTimersByTimeAsync(50);
            }
            if (thrown !== undefined) throw thrown;
            return 'made';
          },
          async () => 'not made',
          isFault,
        )
        .catch(({ message }) => message);
    return { clock, changes, call };
  }

  test('are made until it opens, then rejected until its probe succeeds', async () => {
    const { clock, changes, call } = world();
    const ended = [];
    for (let made = 0; made < 4; made += 1) ended.push(await call(1, unreachable));
    expect(ended).toEqual(['unreachable', 'unreachable', 'unreachable', 'not made']);
    clock.nowMs += 10_000;
    expect([await call(1, unreachable), await call(1)]).toEqual(['unreachable', 'not made']);
    clock.nowMs += 10_000;
    expect([await call(1), await call(1)]).toEqual(['made', 'made']);
    expect(changes).toEqual(['open', 'closed']);
  });

  test('with a slow response return it, and count as failures', async () => {
    const { changes, call } = world();
    const ended = [await call(8_000), await call(8_000), await call(8_000), await call(1)];
    expect(ended).toEqual(['made', 'made', 'made', 'not made']);
    expect(changes).toEqual(['open']);
  });

  test('an error that is no fault of the service counts as a fast response, also of a probe', async () => {
    const { clock, changes, call } = world();
    const refused = new Error('refused');
    const isFault = (thrown: unknown) => thrown !== refused;
    for (let made = 0; made < 9; made += 1) expect(await call(9_000, refused, isFault)).toBe('refused');
    expect(changes).toEqual([]);
    for (let made = 0; made < 3; made += 1) await call(1, unreachable, isFault);
    clock.nowMs += 10_000;
    await call(1, refused, isFault);
    expect(changes).toEqual(['open', 'closed']);
  });
});
