import { describe, expect, test } from '@jest/globals';
import type { GateTicket } from '../../lambdas/contract/delivery-ports.ts';
import { integration, NOW } from '../support/factories.ts';
import { gate, go, MINUTE, reserved, SECOND, SLOW_ATTEMPTS, unreserved } from '../support/gate.ts';

describe('a slow endpoint', () => {
  test('shows it twice within 5 s, and counts as slow for a minute after the last time', () => {
    const waiting = gate();
    waiting.slow();
    expect(waiting.ask().isSlow).toBe(false);
    waiting.nowMs += 5_001;
    waiting.slow();
    expect(waiting.ask().isSlow).toBe(false);
    waiting.nowMs += 5_000;
    waiting.slow();
    expect(waiting.ask()).toEqual({ admissions: [go], isSlow: true, wantsReport: true });
    waiting.nowMs += MINUTE - 1;
    waiting.slow();
    waiting.nowMs += MINUTE - 1;
    expect(waiting.ask().isSlow).toBe(true);
    waiting.nowMs += 1;
    expect(waiting.ask().isSlow).toBe(false);
  });

  test('stays slow though some of its answers pass, as long as it was not failing', () => {
    const waiting = gate();
    waiting.slow();
    waiting.slow();
    waiting.report({ passed: 1 });
    expect(waiting.ask().isSlow).toBe(true);
  });
});

/** A gate whose endpoint is slow, and has told nothing yet of how long it takes. */
function slowGate(maxPerMinute?: number) {
  const waiting = gate(maxPerMinute);
  waiting.slow();
  waiting.slow();
  return waiting;
}

describe('the rate of a slow endpoint', () => {
  test('is what keeps ten tries under way: by the longest they may take, before any has ended', () => {
    const intervalMs = (61_200 * 15_000) / 60_000 / 10;
    expect(slowGate().admissions(3)).toEqual([go, reserved(NOW + intervalMs), reserved(NOW + 2 * intervalMs)]);
  });

  test('follows how long its tries take, the newest for three tenths', () => {
    const waiting = slowGate();
    for (const [tookMs, intervalMs] of [
      [5_000, 510],
      [0, 510],
      [10_000, 663],
    ] as const) {
      waiting.nowMs += 10 * SECOND;
      waiting.report({ passed: 1, tookMs });
      expect(waiting.admissions(2)).toEqual([go, reserved(waiting.nowMs + intervalMs)]);
    }
  });

  test('is not above the limit of its own', () => {
    expect(slowGate(20).admissions(2)).toEqual([go, reserved(NOW + 3_060)]);
    expect(slowGate(60).admissions(2)).toEqual([go, reserved(NOW + 1_530)]);
  });

  test('does not follow what tries took before it was slow', () => {
    const waiting = gate();
    waiting.report({ failed: 1, tookMs: 20 });
    waiting.slow();
    waiting.slow();
    waiting.report({ passed: 1, tookMs: 5_000 });
    expect(waiting.admissions(2)).toEqual([go, reserved(NOW + 510)]);
    waiting.nowMs += MINUTE;
    waiting.report({ failed: 1, tookMs: 20 });
    waiting.slow();
    waiting.slow();
    expect(waiting.admissions(2)).toEqual([go, reserved(NOW + MINUTE + 1_530)]);
  });

  test('reserves moments that serve as others do, and mean nothing once it is well without a limit of its own', () => {
    const waiting = slowGate();
    waiting.admissions(100);
    const ticket = { reservedForMs: NOW + 15_300 };
    waiting.nowMs += 15_300;
    expect(waiting.admissions([ticket])).toEqual([go]);
    expect(waiting.admissions([{ reservedForMs: NOW + 30_600 }])).toEqual([reserved(NOW + 30_600)]);
    waiting.nowMs += MINUTE;
    expect(waiting.ask([{ reservedForMs: NOW + 91_800 }, {}])).toEqual({
      admissions: [go, go],
      isSlow: false,
      wantsReport: false,
    });
  });

  test('reserves nothing more than ten minutes ahead: it may be well before', () => {
    const waiting = slowGate();
    const inTenMinutes = Math.floor((10 * MINUTE) / 1_530);
    const before = waiting.admissions(inTenMinutes + 1);
    expect(before.at(-1)).toEqual(reserved(NOW + inTenMinutes * 1_530));
    expect(waiting.admissions(2)).toEqual([unreserved(NOW + 10 * MINUTE), unreserved(NOW + 10 * MINUTE)]);
  });

  test.each([
    [
      'answers after 10 s, in a stage of two',
      { tookMs: 10 * SECOND, timeoutSeconds: 15, fails: false, slowAttempts: 2 },
    ],
    ['answers after 10 s', { tookMs: 10 * SECOND, timeoutSeconds: 15, fails: false, slowAttempts: 10 }],
    ['answers after 100 s', { tookMs: 100 * SECOND, timeoutSeconds: 120, fails: false, slowAttempts: 10 }],
    ['hangs until its timeout of 100 s', { tookMs: 100 * SECOND, timeoutSeconds: 100, fails: true, slowAttempts: 10 }],
    ['answers after 290 s', { tookMs: 290 * SECOND, timeoutSeconds: 300, fails: false, slowAttempts: 10 }],
  ])('an endpoint that %s has its share of attempts under way, however many events there are', (_what, partner) => {
    const underWay = triesUnderWay(partner);
    // Went out before two of them had waited for two seconds.
    const unnoticed = 12;
    const { slowAttempts } = partner;
    expect(Math.max(...underWay)).toBeLessThanOrEqual(slowAttempts + unnoticed);
    const later = underWay.slice(partner.tookMs / SECOND + 10);
    expect(Math.max(...later)).toBeLessThanOrEqual(slowAttempts);
    if (!partner.fails) expect(Math.min(...later)).toBeGreaterThanOrEqual(slowAttempts / 2);
  });

  test('an endpoint that answers after 50 ms is not bounded', () => {
    expect(new Set(triesUnderWay({ tookMs: 50, timeoutSeconds: 15, everyMs: 5, forMs: MINUTE }).slice(1))).toEqual(
      new Set([SLOW_ATTEMPTS]),
    );
  });
});

/**
 * Events for some minutes, each of which asks the gate, goes out, waits or sleeps as it says, and what comes of it is told
 * where it is to be.
 *
 * @returns how many tries were under way at the end of each second
 */
function triesUnderWay({
  tookMs = 0,
  timeoutSeconds = 15,
  fails = false,
  everyMs = 200,
  forMs = 10 * MINUTE,
  slowAttempts = SLOW_ATTEMPTS,
}): number[] {
  const partner = gate(undefined, slowAttempts);
  partner.partner = integration({ timeout_seconds: timeoutSeconds });
  const agenda = new Map<number, (() => void)[]>();
  const at = (ms: number, act: () => void) => agenda.set(ms, [...(agenda.get(ms) ?? []), act]);
  let underWay = 0;
  function ask(ticket: GateTicket) {
    const { admissions, wantsReport } = partner.ask([ticket]);
    const [admission] = admissions;
    if (admission?.verdict === 'parked') return at(partner.nowMs + MINUTE, () => ask({}));
    if (admission?.verdict === 'later') {
      const { atMs, isReserved } = admission;
      return at(atMs, () => ask(isReserved ? { reservedForMs: atMs } : {}));
    }
    underWay += 1;
    if (tookMs > 2 * SECOND) at(partner.nowMs + 2 * SECOND, () => partner.slow());
    return at(partner.nowMs + tookMs, () => {
      underWay -= 1;
      if (fails) partner.report({ failed: 1, tookMs });
      else if (wantsReport) partner.report({ passed: 1, tookMs });
    });
  }
  const counts: number[] = [];
  for (let ms = 0; ms < forMs; ms += 1) {
    partner.nowMs = NOW + ms;
    if (ms % everyMs === 0) ask({});
    for (const act of agenda.get(partner.nowMs) ?? []) act();
    agenda.delete(partner.nowMs);
    if (ms % SECOND === SECOND - 1) counts.push(underWay);
  }
  return counts;
}
