import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { Admission, GateTicket } from '../../lambdas/contract/delivery-ports.ts';
import { gateKey } from '../../lambdas/domain/gate-record.ts';
import { integration, NOW } from '../support/factories.ts';
import {
  failing,
  gate,
  go,
  gone,
  HOUR,
  MINUTE,
  openGate,
  PARTNER,
  reserved,
  SECOND,
  unreserved,
} from '../support/gate.ts';
import { UNKNOWN } from './limiter-state.ts';

describe('the rate limit', () => {
  test('none: everything goes at once, and nothing is remembered', () => {
    const free = gate();
    expect(free.ask(100)).toEqual({ admissions: Array(100).fill(go), isSlow: false, wantsReport: false });
    expect(free.state).toBe(UNKNOWN);
  });

  test('60 a minute: one at once, the others 1.02 s apart, by whichever function they are asked for', () => {
    const limited = gate(60);
    expect(limited.admissions(3)).toEqual([go, reserved(NOW + 1_020), reserved(NOW + 2_040)]);
    expect(limited.admissions(1)).toEqual([reserved(NOW + 3_060)]);
    limited.nowMs += 10 * SECOND;
    expect(limited.admissions(2)).toEqual([go, reserved(NOW + 11_020)]);
  });

  test.each([1, 7, 59, 1_000, 7_000, 60_000])('%i a minute are spread over 61.2 s, none lost to rounding', (limit) => {
    const limited = gate(limit);
    const last = limited.admissions(limit + 1).at(-1) as Admission;
    expect(Math.abs(timeOf(last, NOW) - NOW - 61_200)).toBeLessThan(10);
  });

  test('gives whole milliseconds, none before its moment', () => {
    expect(gate(7).admissions(4)).toEqual([go, reserved(NOW + 8_743), reserved(NOW + 17_486), reserved(NOW + 26_229)]);
  });

  test('never more than the limit in any minute, however tries come, come back or stay away', () => {
    const ticket = fc.constantFrom('fresh', 'on time', 'early', 'late', 'lapsed');
    const call = fc.record({ pauseMs: fc.nat(20 * SECOND), tickets: fc.array(ticket, { maxLength: 10 }) });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 40 }), fc.array(call, { maxLength: 40 }), (limit, calls) => {
        const limited = gate(limit);
        const given: number[] = [];
        for (const { pauseMs, tickets } of calls) {
          limited.nowMs += pauseMs;
          const asking = tickets.map((kind) => ticketOf(kind, given, limited.nowMs));
          limited.admissions(asking).forEach((admission, position) => {
            const timeMs = timeOf(admission, limited.nowMs);
            const own = asking[position]?.reservedForMs;
            const isOwn = own !== undefined && (timeMs === own || (timeMs === limited.nowMs && inTime(own, timeMs)));
            if (!isOwn) given.push(timeMs);
          });
        }
        const times = given.toSorted((a, b) => a - b);
        times.forEach((timeMs, position) => {
          const following = times[position + limit];
          if (following !== undefined) expect(following - timeMs).toBeGreaterThan(MINUTE);
        });
      }),
    );
  });

  test('defers each event of a burst once, to a time of its own', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 60_000 }),
        fc.integer({ min: 2, max: 30 }),
        fc.nat(MINUTE),
        (limit, burst, lateMs) => {
          const limited = gate(limit);
          const times = limited.admissions(burst).map((admission) => timeOf(admission, NOW));
          expect(new Set(times).size).toBe(burst);
          for (const timeMs of times.slice(1)) {
            limited.nowMs = timeMs + lateMs;
            expect(limited.admissions([{ reservedForMs: timeMs }])).toEqual([go]);
          }
        },
      ),
    );
  });

  test('that is changed holds from the next reservation on', () => {
    const limited = gate(60);
    limited.admissions(2);
    limited.maxPerMinute = 1;
    expect(limited.admissions(2)).toEqual([reserved(NOW + 2_040), reserved(NOW + 2_040 + 61_200)]);
    limited.maxPerMinute = undefined;
    expect(limited.admissions([{ reservedForMs: NOW + 5_000 }, {}])).toEqual([go, go]);
  });

  test('reserves nothing more than 72 hours ahead: what is further away asks again in an hour', () => {
    const limited = gate(1);
    const inThreeDays = Math.floor((72 * HOUR) / 61_200);
    expect(limited.admissions(inThreeDays + 1).at(-1)).toEqual(reserved(NOW + inThreeDays * 61_200));
    const before = limited.state;
    expect(limited.admissions(2)).toEqual([unreserved(NOW + HOUR), unreserved(NOW + HOUR)]);
    expect(limited.state).toBe(before);
    limited.nowMs += MINUTE;
    expect(limited.admissions(1)).toEqual([reserved(NOW + (inThreeDays + 1) * 61_200)]);
  });

  test('is kept where the clock goes back', () => {
    const limited = gate(60);
    limited.admissions(1);
    limited.nowMs -= 5 * SECOND;
    expect(limited.admissions(2)).toEqual([reserved(NOW + 1_020), reserved(NOW + 2_040)]);
  });
});

describe('a reservation', () => {
  test('is its own until a minute after its time, and costs no second one', () => {
    const limited = gate(60);
    limited.admissions(100);
    const before = limited.state;
    const ticket = { reservedForMs: NOW + 30 * SECOND };
    for (const [atMs, expected] of [
      [NOW + 30 * SECOND - 1, reserved(NOW + 30 * SECOND)],
      [NOW + 30 * SECOND, go],
      [NOW + 90 * SECOND, go],
    ] as const) {
      limited.nowMs = atMs;
      expect(limited.admissions([ticket])).toEqual([expected]);
    }
    expect(limited.state).toBe(before);
  });

  test('lapses a minute after its time: another is made, behind all that exist', () => {
    const limited = gate(60);
    limited.admissions(100);
    limited.nowMs = NOW + 90 * SECOND + 1;
    expect(limited.admissions([{ reservedForMs: NOW + 30 * SECOND }])).toEqual([reserved(NOW + 100 * 1_020)]);
  });

  test('for a time that nobody was ever given is none', () => {
    const limited = gate(60);
    expect(limited.admissions([{ reservedForMs: NOW + 73 * HOUR }])).toEqual([go]);
  });
});

describe('a hold', () => {
  test('without a limit: nobody sends before it ends', () => {
    const held = gate();
    held.report({ failed: 1, holdMs: 30 * SECOND });
    expect(held.admissions(2)).toEqual([unreserved(NOW + 30 * SECOND), unreserved(NOW + 30 * SECOND)]);
    held.nowMs += 30 * SECOND;
    expect(held.admissions(1)).toEqual([go]);
  });

  test('with a limit: times are reserved from its end on, also for those whose own time it took', () => {
    const held = gate(60);
    held.admissions(10);
    held.report({ failed: 1, holdMs: 30 * SECOND });
    const endMs = NOW + 30 * SECOND;
    held.nowMs += 2 * SECOND;
    expect(held.admissions([{}, { reservedForMs: NOW + 1_020 }, { reservedForMs: NOW + 9_180 }])).toEqual([
      reserved(endMs),
      reserved(endMs + 1_020),
      reserved(endMs + 2_040),
    ]);
  });

  test('leaves reservations behind its end alone', () => {
    const held = gate(60);
    held.report({ failed: 1, holdMs: 30 * SECOND });
    const ticket = { reservedForMs: NOW + 30 * SECOND };
    expect(held.admissions([ticket])).toEqual([reserved(NOW + 30 * SECOND)]);
    held.nowMs += 30 * SECOND;
    expect(held.admissions([ticket])).toEqual([go]);
  });

  test('is not shortened by a later one, and lasts an hour at the most', () => {
    const held = gate();
    held.report({ failed: 1, holdMs: 30 * SECOND });
    held.report({ failed: 1, holdMs: 1_000.5 });
    expect(held.admissions(1)).toEqual([unreserved(NOW + 30 * SECOND)]);
    held.report({ failed: 1, holdMs: 24 * HOUR });
    expect(held.admissions(1)).toEqual([unreserved(NOW + HOUR)]);
  });
});

describe('the breaker', () => {
  test('opens for 30 s at the tenth failure in a row', () => {
    const breaker = gate();
    for (let failure = 1; failure < 10; failure += 1) {
      breaker.report({ failed: 1 });
      expect(breaker.ask()).toEqual({ admissions: [go], isSlow: false, wantsReport: true });
    }
    breaker.report({ failed: 1 });
    expect(breaker.ask(2)).toEqual({ admissions: [failing, failing], isSlow: true, wantsReport: true });
    breaker.nowMs += 30 * SECOND - 1;
    expect(breaker.admissions()).toEqual([failing]);
  });

  test('begins to count anew with each try that passed', () => {
    const breaker = gate();
    breaker.report({ failed: 9 });
    breaker.report({ passed: 1, failed: 9 });
    breaker.report({ failed: 9 });
    expect(breaker.admissions()).toEqual([go]);
  });

  test('lets the first try of one call out as a probe, once its 30 s are over', () => {
    const breaker = openGate();
    breaker.nowMs += 30 * SECOND;
    expect(breaker.ask(3)).toEqual({ admissions: [go, failing, failing], isSlow: true, wantsReport: true });
    expect(breaker.admissions(2)).toEqual([failing, failing]);
  });

  test('lets none out for those who may not probe', () => {
    const breaker = openGate();
    breaker.nowMs += 30 * SECOND;
    expect(breaker.admissions(2, { mayProbe: false })).toEqual([failing, failing]);
    expect(breaker.admissions(1)).toEqual([go]);
  });

  test('has one probe out at a time, whoever asks', () => {
    const call = fc.record({ pauseMs: fc.nat(9_000), tickets: fc.nat(5), mayProbe: fc.boolean() });
    fc.assert(
      fc.property(fc.array(call, { maxLength: 40 }), fc.option(fc.integer({ min: 1, max: 60_000 })), (calls, limit) => {
        const breaker = openGate(limit ?? undefined);
        let probes = 0;
        for (const { pauseMs, tickets, mayProbe } of calls) {
          breaker.nowMs += pauseMs;
          probes += breaker.admissions(tickets, { mayProbe }).filter(({ verdict }) => verdict === 'now').length;
        }
        const asked = breaker.nowMs >= NOW + 30 * SECOND && breaker.state.probeUntilMs > 0;
        expect(probes).toBe(asked ? 1 : 0);
      }),
    );
  });

  test('closes when the probe passed', () => {
    const breaker = openGate();
    breaker.slow();
    breaker.slow();
    breaker.nowMs += 30 * SECOND - 1;
    breaker.slow();
    breaker.nowMs += 1;
    breaker.admissions();
    breaker.report({ passed: 1 });
    expect(breaker.ask(3)).toEqual({ admissions: [go, go, go], isSlow: false, wantsReport: false });
    breaker.report({ failed: 9 });
    expect(breaker.admissions()).toEqual([go]);
  });

  test('stays open for another 30 s when the probe failed; then there is another', () => {
    const breaker = openGate();
    for (let probe = 0; probe < 3; probe += 1) {
      breaker.nowMs += 30 * SECOND;
      expect(breaker.admissions()).toEqual([go]);
      breaker.report({ failed: 1 });
      expect(breaker.admissions()).toEqual([failing]);
    }
  });

  test('gives a probe up that was not reported within 6 minutes, the longest try and more', () => {
    const breaker = openGate();
    breaker.nowMs += 30 * SECOND;
    breaker.admissions();
    breaker.nowMs += 6 * MINUTE - 1;
    expect(breaker.admissions()).toEqual([failing]);
    breaker.nowMs += 1;
    expect(breaker.admissions(2)).toEqual([go, failing]);
  });

  test('takes a probe back that was not sent', () => {
    const breaker = openGate();
    breaker.nowMs += 30 * SECOND;
    breaker.admissions();
    breaker.report({});
    expect(breaker.admissions()).toEqual([go]);
  });

  test('has its probe in what may go in a second: its function waits for that, and does not ask again', () => {
    for (const [leftMs, isProbe] of [
      [1_000, true],
      [1_001, false],
    ] as const) {
      const held = openGate();
      held.report({ failed: 1, holdMs: 40 * SECOND });
      held.nowMs += 40 * SECOND - leftMs;
      const time = unreserved(NOW + 40 * SECOND);
      expect(held.admissions(3)).toEqual([time, failing, failing]);
      expect(held.admissions(1)).toEqual([isProbe ? failing : time]);
    }
  });

  test('gives a probe that limit or hold keep back its time, and the next one in time may go', () => {
    const breaker = gate(60);
    breaker.admissions(40);
    breaker.report({ failed: 10 });
    breaker.nowMs += 30 * SECOND;
    const freeMs = NOW + 40 * 1_020;
    expect(breaker.admissions(2)).toEqual([reserved(freeMs), failing]);
    expect(breaker.admissions([{ reservedForMs: NOW + 29_580 }])).toEqual([go]);
    expect(breaker.admissions(1)).toEqual([failing]);
    breaker.report({ failed: 1, holdMs: 5 * MINUTE });
    breaker.nowMs += MINUTE;
    expect(breaker.admissions([{ reservedForMs: freeMs }])).toEqual([reserved(NOW + 330 * SECOND)]);
    expect(breaker.state.probeUntilMs).toBe(0);
  });
});

describe('back-pressure', () => {
  const refused = (limited: ReturnType<typeof gate>, holdMs = SECOND) => limited.report({ isThrottled: true, holdMs });

  test('does not open the breaker, however many refusals there are', () => {
    const throttled = gate();
    for (let i = 0; i < 100; i += 1) {
      refused(throttled);
      throttled.nowMs += SECOND;
    }
    expect(throttled.admissions()).toEqual([go]);
  });

  test('neither adds to the failures in a row nor ends them', () => {
    const throttled = gate();
    throttled.report({ failed: 9 });
    refused(throttled);
    throttled.nowMs += SECOND;
    expect(throttled.admissions()).toEqual([go]);
    throttled.report({ failed: 1 });
    expect(throttled.admissions()).toEqual([failing]);
  });

  test('in response to a probe closes the breaker, and what follows goes at the pace', () => {
    const throttled = openGate();
    throttled.nowMs += 30 * SECOND;
    expect(throttled.admissions()).toEqual([go]);
    refused(throttled);
    const endMs = throttled.nowMs + SECOND;
    expect(throttled.ask(2)).toEqual({
      admissions: [reserved(endMs), reserved(endMs + 204)],
      isSlow: false,
      wantsReport: true,
    });
  });

  test('leaves the breaker open where others failed beside it, and a gone endpoint gone', () => {
    const failed = openGate();
    failed.report({ failed: 1, isThrottled: true, holdMs: SECOND });
    expect(failed.admissions()).toEqual([failing]);
    const left = gate();
    left.report({ isGone: true });
    refused(left);
    expect(left.admissions()).toEqual([gone]);
  });

  test('without a limit: from the end of the hold on 300 a minute go out, each at a time of its own', () => {
    const throttled = gate();
    refused(throttled);
    const times = throttled.admissions(4);
    expect(times).toEqual([0, 204, 408, 612].map((ms) => reserved(NOW + SECOND + ms)));
  });

  test('with a limit: half of it; with a pace: half of that, and never less than one in five minutes', () => {
    const throttled = gate(6_000);
    for (const perMinute of [3_000, 1_500, 750]) {
      refused(throttled);
      throttled.nowMs += SECOND;
      expect(throttled.state.pacePerMinute).toBe(perMinute);
    }
    for (let i = 0; i < 100; i += 1) {
      refused(throttled);
      throttled.nowMs += SECOND;
    }
    expect(throttled.state.pacePerMinute).toBe(0.2);
  });

  test('once for all requests that were in flight together', () => {
    const throttled = gate();
    for (let i = 0; i < 30; i += 1) {
      refused(throttled);
      throttled.nowMs += 30;
    }
    throttled.report({ passed: 10 });
    expect(throttled.state.pacePerMinute).toBe(300);
    expect(throttled.state.holdUntilMs).toBe(NOW + 29 * 30 + SECOND);
  });

  test('is over step by step: each success adds one a minute, until the limit is reached', () => {
    const throttled = gate(60);
    refused(throttled);
    throttled.nowMs += SECOND;
    for (const perMinute of [31, 32]) {
      throttled.report({ passed: 1 });
      expect(throttled.state.pacePerMinute).toBe(perMinute);
    }
    throttled.report({ passed: 27 });
    expect(throttled.ask(1).wantsReport).toBe(true);
    throttled.report({ passed: 1 });
    expect(throttled.ask(1).wantsReport).toBe(false);
    const free = gate();
    refused(free);
    free.nowMs += SECOND;
    free.report({ passed: 5_700 });
    expect(free.admissions(3)).toEqual([go, go, go]);
  });

  test('is over an hour after the end of the last hold, without a success', () => {
    const throttled = gate();
    refused(throttled, 10 * SECOND);
    throttled.nowMs += 10 * SECOND + HOUR - 1;
    expect(throttled.admissions(2)).toEqual([go, reserved(throttled.nowMs + 204)]);
    throttled.nowMs += 1;
    expect(throttled.admissions(3)).toEqual([go, go, go]);
  });

  test('reserves nothing more than ten minutes ahead; what finds no time asks again after the hold', () => {
    const throttled = gate(1);
    refused(throttled, HOUR);
    expect(throttled.admissions(1)).toEqual([unreserved(NOW + HOUR)]);
    throttled.nowMs += HOUR;
    const admissions = throttled.admissions(10);
    expect(admissions.at(-1)).toEqual(unreserved(NOW + HOUR + 10 * MINUTE));
  });

  test('of a partner with any limit: each refusal halves what goes out, so few of many events are refused', () => {
    fc.assert(
      fc.property(fc.integer({ min: 30, max: 2_000 }), fc.integer({ min: 20, max: 400 }), (perMinute, events) => {
        const { refusals, delivered } = deliverAll(gate(), perMinute, events);
        expect(delivered).toBe(events);
        // One without a pace, four at 300, 150, 75 and 37.5 a minute, one more before the pace has grown from below the
        // limit; from then on at least half of the limit succeeds between two refusals.
        expect(refusals).toBeLessThanOrEqual(6 + events / (perMinute / 2 - 1));
      }),
    );
  });
});

/** One request at a time at a partner that takes `perMinute`, evenly spread; each refusal asks for a second. */
function deliverAll(limiter: ReturnType<typeof gate>, perMinute: number, events: number) {
  let [refusals, delivered, freeMs] = [0, 0, limiter.nowMs];
  while (delivered < events && refusals < 10_000) {
    const [admission] = limiter.admissions(1);
    limiter.nowMs = timeOf(admission as Admission, limiter.nowMs);
    if (limiter.nowMs < freeMs) {
      refusals += 1;
      limiter.report({ isThrottled: true, holdMs: SECOND });
    } else {
      freeMs = limiter.nowMs + MINUTE / perMinute;
      delivered += 1;
      limiter.report({ passed: 1 });
    }
  }
  return { refusals, delivered };
}

describe('a gone endpoint', () => {
  test('is left alone for an hour, then probed, and gone again with another 410', () => {
    const breaker = gate();
    breaker.report({ passed: 3, isGone: true });
    for (let hour = 0; hour < 3; hour += 1) {
      expect(breaker.ask(2)).toEqual({ admissions: [gone, gone], isSlow: true, wantsReport: true });
      breaker.nowMs += HOUR - 1;
      expect(breaker.admissions()).toEqual([gone]);
      breaker.nowMs += 1;
      expect(breaker.admissions(2)).toEqual([go, gone]);
      breaker.report({ isGone: true });
    }
  });

  test('is back with anything that passed', () => {
    const breaker = gate();
    breaker.report({ isGone: true });
    breaker.report({ passed: 1 });
    expect(breaker.ask()).toEqual({ admissions: [go], isSlow: false, wantsReport: false });
    breaker.report({ failed: 10 });
    expect(breaker.admissions()).toEqual([failing]);
  });

  test('is not probed sooner because an earlier try failed late', () => {
    const breaker = gate();
    breaker.report({ isGone: true });
    breaker.report({ failed: 10 });
    breaker.nowMs += HOUR - 1;
    expect(breaker.admissions()).toEqual([gone]);
  });
});

describe('a record', () => {
  test('is forgotten an hour after the last moment that it speaks of', () => {
    const breaker = gate();
    breaker.report({ isGone: true });
    expect(breaker.state.forgetAtMs).toBe(NOW + 2 * HOUR);
    breaker.nowMs += 2 * HOUR;
    expect(breaker.admissions(2)).toEqual([go, gone]);
    breaker.report({ isGone: true });
    breaker.nowMs += 2 * HOUR + 1;
    expect(breaker.ask(2)).toEqual({ admissions: [go, go], isSlow: false, wantsReport: false });
  });

  test('is named after the integration', () => {
    expect(gateKey(PARTNER)).toBe('gate:acme');
  });

  test.each([
    ['another address', { url: 'https://partner.example/other' }],
    ['resuming', { resumed_at: '2026-01-15T12:00:00Z' }],
  ])('with %s knows nothing of the endpoint, but goes on with the limit', (_what, change) => {
    const limited = gate(60);
    expect(limited.admissions(2)).toEqual([go, reserved(NOW + 1_020)]);
    limited.slow();
    limited.slow();
    limited.report({ isGone: true, failed: 10, holdMs: HOUR, tookMs: 15_000 });
    limited.partner = integration(change);
    expect(limited.ask([{}, { reservedForMs: NOW + 1_020 }])).toEqual({
      admissions: [reserved(NOW + 2_040), reserved(NOW + 1_020)],
      isSlow: false,
      wantsReport: false,
    });
    expect(limited.state).toEqual({
      ...UNKNOWN,
      epoch: limited.state.epoch,
      nextMs: NOW + 3_060,
      forgetAtMs: NOW + 3_060 + HOUR,
    });
  });

  test('with another limit or name stays', () => {
    const breaker = openGate();
    breaker.partner = integration({ paused: true, timeout_seconds: 20 });
    breaker.maxPerMinute = 6;
    expect(breaker.admissions()).toEqual([failing]);
  });
});

function timeOf(admission: Admission, nowMs: number): number {
  if (admission.verdict === 'parked') throw new Error('parked');
  return admission.verdict === 'now' ? nowMs : admission.atMs;
}

function inTime(reservedForMs: number, nowMs: number): boolean {
  return reservedForMs <= nowMs && nowMs <= reservedForMs + MINUTE;
}

/** A ticket with one of the times given so far that is as `kind` says, or else a fresh one. */
function ticketOf(kind: string, given: readonly number[], nowMs: number): GateTicket {
  const fits = (timeMs: number) => {
    if (kind === 'early') return timeMs > nowMs;
    if (kind === 'on time') return timeMs <= nowMs && nowMs < timeMs + SECOND;
    if (kind === 'late') return timeMs <= nowMs && nowMs <= timeMs + MINUTE;
    return kind === 'lapsed' && timeMs + MINUTE < nowMs;
  };
  const reservedForMs = given.findLast(fits);
  return reservedForMs === undefined ? {} : { reservedForMs };
}
