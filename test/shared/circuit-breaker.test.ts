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
  });

  test('is not open for longer because the clock was set back', () => {
    const hourBack = NOW - 3_600_000;
    expect(verdictAt({ status: 'open', probeAtMs: NOW + 12_000 }, NOW, limits).verdict).toBe('reject');
    expect(verdictAt(open, hourBack, limits).verdict).toBe('probe');
    expect(verdictAt(PROBING, hourBack, limits).verdict).toBe('probe');
  });

  test.each([
    ['closes where the probe is answered in time', true, 500, 'closed'],
    ['stays open where it is answered slowly', true, 8_000, 'open'],
    ['stays open where it fails', false, 500, 'open'],
  ])('%s', (_, hasResponse, tookMs, status) => {
    const ended = { verdict: 'probe', hasResponse, tookMs, nowMs: NOW, random: 0.5 } as const;
    expect(afterCall(PROBING, ended, limits).status).toBe(status);
  });

  test('is not moved by a call that began before it opened', () => {
    for (const state of [open, PROBING]) expect(stateAfter([200, 'failed'], state)).toEqual(state);
  });
});

test('a service that is down for good is asked once in each open time, however many calls come', () => {
  let state = stateAfter(['failed', 'failed', 'failed']);
  let asked = 0;
  for (let nowMs = NOW; nowMs < NOW + 100_000; nowMs += 10) {
    const { verdict, next } = verdictAt(state, nowMs, limits);
    state = next;
    if (verdict === 'reject') continue;
    asked += 1;
    state = afterCall(state, { verdict, hasResponse: false, tookMs: 0, nowMs, random: 0.5 }, limits);
  }
  expect(asked).toBe(9);
});

test('a probe that never ends, because its function was killed, does not keep the breaker open for good', () => {
  const probing = verdictAt({ status: 'open', probeAtMs: NOW }, NOW, limits).next;
  expect(verdictAt(probing, NOW + limits.openMs - 1, limits).verdict).toBe('reject');
  expect(verdictAt(probing, NOW + limits.openMs, limits).verdict).toBe('probe');
});

describe('behind a breaker', () => {
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

  test('calls are made until it opens, then not until its probe succeeds', async () => {
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

  test('a slow response is used, and counts as a failure', async () => {
    const { changes, call } = world();
    const ended = [await call(8_000), await call(8_000), await call(8_000), await call(1)];
    expect(ended).toEqual(['made', 'made', 'made', 'not made']);
    expect(changes).toEqual(['open']);
  });

  test('an error that does not speak against the service is a quick response, and ends a probe well', async () => {
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
