import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { CertificateFault } from '../../lambdas/events/delivery.ts';
import type { LimiterDecision, LimiterReport, LimiterResponse, Parked } from '../../lambdas/limiter/limiter.ts';
import { limiterKey } from '../../lambdas/limiter/limiter-record.ts';
import {
  acquireCommand,
  readLimiterReply,
  readReportReply,
  reportCommand,
  runLimiterScript,
  slowCommand,
} from '../../lambdas/limiter/limiter-script.ts';
import type { Integration } from '../../lambdas/partners/integration.ts';
import { clientOpener, disconnect, type ValkeyClient } from '../../lambdas/valkey/client.ts';
import { type RunningValkey, startValkey } from '../../local/valkey/start-valkey.ts';
import { integration, NOW } from '../support/factories.ts';
import {
  allowed,
  failing,
  gone,
  HOUR,
  MINUTE,
  reportOf,
  reserved,
  SECOND,
  unreserved,
} from '../support/limiter-decisions.ts';

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

let limiters = 0;

/** The limiter of a new integration, whose clock and settings a test changes. */
function limiter(max_requests_per_minute?: number) {
  limiters += 1;
  const partner: Integration = integration({ id: `partner-${limiters}`, timeout_seconds: 15, max_requests_per_minute });
  return {
    nowMs: NOW,
    partner,
    /** The number of attempts that ask, or the slots that are reserved for them. */
    async ask(attempts: number | readonly (number | undefined)[] = 1, mayProbe = true): Promise<LimiterResponse> {
      const times = typeof attempts === 'number' ? Array.from<undefined>({ length: attempts }) : attempts;
      const requests = times.map((reservedForMs) => (reservedForMs === undefined ? {} : { reservedForMs }));
      const command = acquireCommand(this.partner, { requests, mayProbe, slowAttempts: 10 });
      const reply = await runLimiterScript(client, limiterKey(partner), command, this.nowMs);
      return readLimiterReply(reply, requests.length) as LimiterResponse;
    },
    async decisions(...asked: Parameters<typeof this.ask>) {
      return (await this.ask(...asked)).decisions;
    },
    report(about: Partial<LimiterReport>) {
      return runLimiterScript(client, limiterKey(partner), reportCommand(this.partner, reportOf(about)), this.nowMs);
    },
    refuse(retryAfterMs = SECOND, about: Partial<LimiterReport> = {}) {
      return this.report({ throttled: 1, retryAfterMs, ...about });
    },
    /** Asks with the slot of an earlier decision. */
    async again(decision: LimiterDecision): Promise<LimiterDecision> {
      const { position } = decision as { position: number };
      const isReserved = decision.verdict === 'wait' && decision.isReserved;
      const request = { position, ...(isReserved && { reservedForMs: decision.atMs }) };
      const command = acquireCommand(this.partner, { requests: [request], mayProbe: false, slowAttempts: 10 });
      const reply = await runLimiterScript(client, limiterKey(partner), command, this.nowMs);
      return (readLimiterReply(reply, 1) as LimiterResponse).decisions[0] as LimiterDecision;
    },
    /** A value of the record. */
    async value(name: 'pace' | 'ceiling'): Promise<number> {
      return Number(await client.hget(limiterKey(partner), name));
    },
    /** Two attempts that wait make it slow. */
    async slow(attempts = 2) {
      for (let i = 0; i < attempts; i += 1)
        await runLimiterScript(client, limiterKey(partner), slowCommand(this.partner), this.nowMs);
    },
  };
}

async function opened(max_requests_per_minute?: number) {
  const breaker = limiter(max_requests_per_minute);
  await breaker.report({ failed: 10 });
  return breaker;
}

function timeOf(decision: LimiterDecision | undefined, nowMs: number): number {
  if (decision === undefined || decision.verdict === 'reject') throw new Error('rejected');
  return decision.verdict === 'allow' ? nowMs : decision.atMs;
}

describe('the rate limit', () => {
  test('spreads the requests of a minute over 61.2 s, to whole milliseconds, none lost to rounding', async () => {
    const times = [62, 123, 184, 245, 306].map((ms) => reserved(NOW + ms));
    expect(await limiter(1_000).decisions(6)).toEqual([allowed, ...times]);
    const limited = limiter(60);
    expect(await limited.decisions(2)).toEqual([allowed, reserved(NOW + 1_020)]);
    limited.nowMs -= 5 * SECOND;
    expect(await limited.decisions()).toEqual([reserved(NOW + 2_040)]);
  });

  test('that is changed holds from the next reservation on', async () => {
    const limited = limiter(60);
    await limited.decisions(2);
    limited.partner = { ...limited.partner, max_requests_per_minute: 1 };
    expect(await limited.decisions(2)).toEqual([reserved(NOW + 2_040), reserved(NOW + 2_040 + 61_200)]);
  });

  test('reserves nothing more than 72 hours ahead: later attempts ask again in an hour', async () => {
    const limited = limiter(1);
    const inThreeDays = Math.floor((72 * HOUR) / 61_200);
    expect((await limited.decisions(inThreeDays + 1)).at(-1)).toEqual(reserved(NOW + inThreeDays * 61_200));
    expect(await limited.decisions(2)).toEqual([unreserved(NOW + HOUR), unreserved(NOW + HOUR)]);
    limited.nowMs += MINUTE;
    expect(await limited.decisions()).toEqual([reserved(NOW + (inThreeDays + 1) * 61_200)]);
  });

  test('never allows more than the limit in any minute, for any order of attempts, returns and absences', async () => {
    const kinds = fc.constantFrom('fresh', 'early', 'on time', 'lapsed');
    const call = fc.record({ pauseMs: fc.nat(20 * SECOND), attempts: fc.array(kinds, { maxLength: 10 }) });
    const calls = fc.array(call, { maxLength: 40 });
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 40 }), calls, async (limit, sequence) => {
        const limited = limiter(limit);
        const given: number[] = [];
        for (const { pauseMs, attempts } of sequence) {
          limited.nowMs += pauseMs;
          const { nowMs } = limited;
          const fits = { early: [1, HOUR], 'on time': [-MINUTE, 0], lapsed: [-HOUR, -MINUTE - 1], fresh: [1, 0] };
          const own = attempts.map((kind) =>
            given.findLast((ms) => ms - nowMs >= (fits[kind][0] ?? 0) && ms - nowMs <= (fits[kind][1] ?? 0)),
          );
          for (const [position, decision] of (await limited.decisions(own)).entries()) {
            const timeMs = timeOf(decision, nowMs);
            const ownMs = own[position] ?? Number.NaN;
            const isOwn = timeMs === ownMs || (timeMs === nowMs && ownMs <= nowMs && nowMs <= ownMs + MINUTE);
            if (!isOwn) given.push(timeMs);
          }
        }
        const times = given.toSorted((a, b) => a - b);
        const minutes = times.slice(limit).map((ms, index) => ms - (times[index] ?? 0));
        for (const ms of minutes) expect(ms).toBeGreaterThan(MINUTE);
      }),
      { numRuns: 50 },
    );
  });
});

test('a reservation is valid until a minute after its time; then a new one is made, after all others', async () => {
  const limited = limiter(60);
  await limited.decisions(100);
  const ownMs = NOW + 30 * SECOND;
  for (const [afterMs, expected] of [
    [-1, reserved(ownMs)],
    [0, allowed],
    [MINUTE, allowed],
    [MINUTE + 1, reserved(NOW + 100 * 1_020)],
  ] as const) {
    limited.nowMs = ownMs + afterMs;
    expect(await limited.decisions([ownMs])).toEqual([expected]);
  }
  const fresh = limiter(60);
  expect(await fresh.decisions([NOW + 73 * HOUR])).toEqual([allowed]);
});

describe('a Retry-After', () => {
  test('without a limit delays all attempts; a shorter one does not end it; it lasts at most an hour', async () => {
    const waiting = limiter();
    await waiting.report({ failed: 1, retryAfterMs: 30 * SECOND });
    await waiting.report({ failed: 1, retryAfterMs: SECOND });
    expect(await waiting.decisions(2)).toEqual([unreserved(NOW + 30 * SECOND), unreserved(NOW + 30 * SECOND)]);
    waiting.nowMs += 30 * SECOND;
    expect(await waiting.decisions()).toEqual([allowed]);
    await waiting.report({ failed: 1, retryAfterMs: 24 * HOUR });
    expect(await waiting.decisions()).toEqual([unreserved(waiting.nowMs + HOUR)]);
  });

  test('with a limit replaces reservations before its end, but not those after it', async () => {
    const waiting = limiter(60);
    await waiting.decisions(10);
    await waiting.report({ failed: 1, retryAfterMs: 30 * SECOND });
    const endMs = NOW + 30 * SECOND;
    expect(await waiting.decisions([undefined, NOW + 1_020, NOW + 9_180])).toEqual([
      reserved(endMs),
      reserved(endMs + 1_020),
      reserved(endMs + 2_040),
    ]);
    expect(await waiting.decisions([endMs, endMs + 1_020])).toEqual([reserved(endMs), reserved(endMs + 1_020)]);
  });
});

describe('the circuit breaker', () => {
  test('opens for 30 s after ten consecutive failures', async () => {
    const breaker = limiter();
    await breaker.report({ failed: 9 });
    await breaker.report({ passed: 1, failed: 9 });
    await breaker.report({ failed: 9 });
    expect(await breaker.ask()).toEqual({ decisions: [allowed], isSlow: false, wantsReport: true });
    await breaker.report({ failed: 1 });
    expect(await breaker.ask(2)).toEqual({ decisions: [failing, failing], isSlow: true, wantsReport: true });
    breaker.nowMs += 30 * SECOND - 1;
    expect(await breaker.decisions()).toEqual([failing]);
  });

  test('then allows one probe, to callers that may probe, and opens for 30 s again if the probe fails', async () => {
    const breaker = await opened();
    for (const _ of [1, 2]) {
      breaker.nowMs += 30 * SECOND;
      expect(await breaker.decisions(2, false)).toEqual([failing, failing]);
      expect(await breaker.ask(3)).toEqual({ decisions: [allowed, failing, failing], isSlow: true, wantsReport: true });
      expect(await breaker.decisions(2)).toEqual([failing, failing]);
      await breaker.report({ failed: 1 });
      expect(await breaker.decisions()).toEqual([failing]);
    }
  });

  test('closes if the probe succeeds, and resets slowness', async () => {
    const breaker = await opened();
    breaker.nowMs += 30 * SECOND;
    await breaker.slow();
    await breaker.decisions();
    await breaker.report({ passed: 1 });
    expect(await breaker.ask(3)).toEqual({ decisions: [allowed, allowed, allowed], isSlow: false, wantsReport: false });
    await breaker.slow(1);
    expect((await breaker.ask()).isSlow).toBe(false);
    await breaker.report({ failed: 9 });
    expect(await breaker.decisions()).toEqual([allowed]);
  });

  test('allows another probe if one was not sent, or not reported within 6 minutes', async () => {
    const breaker = await opened();
    breaker.nowMs += 30 * SECOND;
    await breaker.decisions();
    await breaker.report({});
    expect(await breaker.decisions()).toEqual([allowed]);
    breaker.nowMs += 6 * MINUTE - 1;
    expect(await breaker.decisions()).toEqual([failing]);
    breaker.nowMs += 1;
    expect(await breaker.decisions(2)).toEqual([allowed, failing]);
  });

  test('has one probe in flight at a time, for any number of callers', async () => {
    const call = fc.record({ pauseMs: fc.nat(9_000), attempts: fc.nat(5), mayProbe: fc.boolean() });
    const limits = fc.option(fc.integer({ min: 1, max: 60_000 }), { nil: undefined });
    await fc.assert(
      fc.asyncProperty(fc.array(call, { maxLength: 40 }), limits, async (calls, limit) => {
        const breaker = await opened(limit);
        let probes = 0;
        for (const { pauseMs, attempts, mayProbe } of calls) {
          breaker.nowMs += pauseMs;
          const isAsked = mayProbe && attempts > 0 && breaker.nowMs >= NOW + 30 * SECOND;
          const admitted = (await breaker.decisions(attempts, mayProbe)).filter(({ verdict }) => verdict === 'allow');
          expect(admitted).toHaveLength(isAsked && probes === 0 ? 1 : 0);
          probes += admitted.length;
        }
      }),
      { numRuns: 50 },
    );
  });

  test.each([
    [1_000, failing],
    [1_001, unreserved(NOW + 40 * SECOND)],
  ])('takes for its probe what may go in %i ms: up to a second its function waits', async (leftMs, next) => {
    const waiting = await opened();
    await waiting.report({ failed: 1, retryAfterMs: 40 * SECOND });
    waiting.nowMs += 40 * SECOND - leftMs;
    expect(await waiting.decisions(3)).toEqual([unreserved(NOW + 40 * SECOND), failing, failing]);
    expect(await waiting.decisions()).toEqual([next]);
  });

  test('allows the next attempt in time if the limit delays the probe', async () => {
    const breaker = limiter(60);
    await breaker.decisions(40);
    await breaker.report({ failed: 10 });
    breaker.nowMs += 30 * SECOND;
    expect(await breaker.decisions(2)).toEqual([reserved(NOW + 40 * 1_020), failing]);
    expect(await breaker.decisions([NOW + 29_580])).toEqual([allowed]);
    expect(await breaker.decisions()).toEqual([failing]);
  });
});

describe('a gone endpoint', () => {
  test('is rejected for an hour, then probed, and gone again with another 410; an earlier failure changes nothing', async () => {
    const breaker = limiter();
    for (const _ of [1, 2]) {
      await breaker.report({ passed: 3, isGone: true });
      await breaker.report({ failed: 10 });
      await breaker.refuse();
      expect(await breaker.ask(2)).toMatchObject({ decisions: [gone, gone], isSlow: true, wantsReport: true });
      breaker.nowMs += HOUR - 1;
      expect(await breaker.decisions()).toEqual([gone]);
      breaker.nowMs += 1;
      expect(await breaker.decisions(2)).toMatchObject([allowed, gone]);
    }
  });

  test('is back after any attempt that passed', async () => {
    const breaker = limiter();
    await breaker.report({ isGone: true });
    await breaker.report({ passed: 1 });
    expect(await breaker.ask()).toEqual({ decisions: [allowed], isSlow: false, wantsReport: false });
    await breaker.report({ failed: 10 });
    expect(await breaker.decisions()).toEqual([failing]);
  });
});

describe('the end of an open circuit breaker', () => {
  const resumed = (partner: Integration) => ({ ...partner, resumed_at: '2026-01-15T12:00:00Z' });
  const moved = (partner: Integration) => ({ ...partner, url: 'https://other.example/' });

  test.each<[string, Partial<LimiterReport>, Partial<LimiterReport>, ((one: Integration) => Integration)?]>([
    ['a probe passed', { failed: 10 }, { passed: 1 }],
    ['a probe was throttled', { failed: 10 }, { throttled: 1, retryAfterMs: SECOND }],
    ['the endpoint is no longer gone', { isGone: true }, { passed: 1 }],
    ['an operator resumed it, and an attempt passed', { isGone: true }, { passed: 1 }, resumed],
    ['its address changed, and an attempt passed', { failed: 10 }, { passed: 1 }, moved],
  ])('is reported to one function: %s', async (_why, opens, ends, change = (one) => one) => {
    const breaker = limiter();
    await breaker.report(opens);
    breaker.partner = change(breaker.partner);
    expect(await breaker.ask()).toMatchObject({ wantsReport: true });
    // An empty report, of a probe that was not sent, ends nothing.
    expect(readReportReply(await breaker.report({}))).toBeUndefined();
    expect(readReportReply(await breaker.report(ends))).toBe('resumed');
    expect(readReportReply(await breaker.report(ends))).toBeUndefined();
  });

  test('is not reported of a breaker that was closed, or that opens again after a resumption', async () => {
    const breaker = limiter();
    expect(readReportReply(await breaker.report({ passed: 1, failed: 9 }))).toBeUndefined();
    await breaker.report({ isGone: true });
    breaker.partner = resumed(breaker.partner);
    expect(readReportReply(await breaker.report({ isGone: true }))).toEqual({ reason: 'gone', isNew: true });
    expect(readReportReply(await breaker.report({ passed: 1 }))).toBe('resumed');
  });
});

describe('a certificate that is expired or incomplete', () => {
  const expired = { verdict: 'reject', reason: 'certificate_expired' } as const;
  const incomplete = { verdict: 'reject', reason: 'certificate_incomplete' } as const;
  type Breaker = ReturnType<typeof limiter>;
  async function fail(breaker: Breaker, failures = 1, fault: CertificateFault = 'certificate_expired', more = {}) {
    return readReportReply(await breaker.report({ failed: failures, certificate: { fault, failures }, ...more }));
  }
  const parked = (reason: Parked['reason'], isNew: boolean): Parked => ({ reason, isNew });

  test('parks the integration after three failures within ten minutes, by any function; a probe follows in an hour', async () => {
    const breaker = limiter();
    expect([await fail(breaker), await breaker.decisions()]).toEqual([undefined, [allowed]]);
    breaker.nowMs += 4 * MINUTE;
    expect([await fail(breaker), await breaker.decisions()]).toEqual([undefined, [allowed]]);
    breaker.nowMs += 6 * MINUTE;
    expect(await fail(breaker)).toEqual(parked('certificate_expired', true));
    expect(await breaker.ask(2)).toMatchObject({ decisions: [expired, expired], isSlow: true, wantsReport: true });
    breaker.nowMs += HOUR - 1;
    expect(await breaker.decisions()).toEqual([expired]);
    breaker.nowMs += 1;
    expect(await breaker.decisions(2)).toEqual([allowed, expired]);
    // A probe that fails parks it again, by itself and with its own fault.
    expect(await fail(breaker, 1, 'certificate_incomplete')).toEqual(parked('certificate_incomplete', true));
    expect(await fail(breaker, 1, 'certificate_incomplete')).toEqual(parked('certificate_incomplete', false));
    breaker.nowMs += HOUR - 1;
    expect(await breaker.decisions()).toEqual([incomplete]);
  });

  test('parks it at once if three connections fail in one report', async () => {
    const breaker = limiter();
    expect(await fail(breaker, 3)).toEqual(parked('certificate_expired', true));
    expect(await breaker.decisions()).toEqual([expired]);
  });

  test.each<[string, (breaker: Breaker) => unknown]>([
    ['the first two are older than ten minutes', (breaker) => Object.assign(breaker, { nowMs: NOW + 10 * MINUTE + 1 })],
    ['an attempt passed between them', (breaker) => breaker.report({ passed: 1 })],
    ['an attempt of the same report passed', (breaker) => fail(breaker, 2, 'certificate_expired', { passed: 1 })],
    [
      'the integration was resumed between them',
      (breaker) => Object.assign(breaker, { partner: { ...breaker.partner, resumed_at: '2026-01-15T12:00:00Z' } }),
    ],
  ])('does not park it if %s', async (_what, between) => {
    const breaker = limiter();
    await fail(breaker, 2);
    await between(breaker);
    expect([await fail(breaker), await breaker.decisions()]).toEqual([undefined, [allowed]]);
  });

  test('is one failure among others for the circuit breaker: ten open it, whatever they are', async () => {
    const breaker = limiter();
    await breaker.report({ failed: 8 });
    await fail(breaker, 2);
    expect(await breaker.decisions()).toEqual([failing]);
  });

  test('is forgotten after a success, or when the integration is resumed', async () => {
    for (const isResumed of [true, false]) {
      const breaker = limiter();
      await fail(breaker, 3);
      if (isResumed) breaker.partner = { ...breaker.partner, resumed_at: '2026-01-15T12:00:00Z' };
      else await breaker.report({ passed: 1 });
      expect(await breaker.decisions()).toEqual([allowed]);
      expect([await fail(breaker, 2), await breaker.decisions()]).toEqual([undefined, [allowed]]);
    }
  });

  test('gives way to a 410, and a 410 to it', async () => {
    const breaker = limiter();
    await fail(breaker, 3);
    expect(readReportReply(await breaker.report({ isGone: true }))).toEqual(parked('gone', true));
    expect(readReportReply(await breaker.report({ isGone: true }))).toEqual(parked('gone', false));
    expect(await fail(breaker)).toEqual(parked('certificate_expired', true));
  });
});

describe('back-pressure', () => {
  /** A limiter with a pace, after the wait of the first wave, in which the partner accepted 10 attempts a second. */
  async function paced(max_requests_per_minute?: number) {
    const throttled = limiter();
    await throttled.ask(100);
    throttled.partner = { ...throttled.partner, max_requests_per_minute };
    await throttled.refuse(SECOND, { throttled: 90 });
    throttled.nowMs += SECOND;
    return throttled;
  }

  test('neither counts as a failure nor resets the consecutive failures', async () => {
    const throttled = limiter();
    await throttled.report({ failed: 9 });
    for (let i = 0; i < 10; i += 1) await throttled.refuse();
    throttled.nowMs += SECOND;
    expect(await throttled.decisions()).toMatchObject([allowed]);
    await throttled.report({ failed: 1 });
    expect(await throttled.decisions()).toEqual([failing]);
  });

  test('in response to a probe closes the breaker, unless another attempt failed', async () => {
    const throttled = await opened();
    await throttled.refuse(SECOND, { failed: 1 });
    expect(await throttled.decisions()).toEqual([failing]);
    throttled.nowMs += 30 * SECOND;
    await throttled.decisions();
    await throttled.refuse();
    expect(await throttled.decisions()).toMatchObject([{ verdict: 'wait', isReserved: false }]);
  });

  test.each([
    ['what was accepted until the end of the wait: 10 in one second', undefined, 90, SECOND, 600],
    ['what was accepted until the end of the wait: 10 in 20 seconds', undefined, 90, 20 * SECOND, 30],
    ['less than the limit', 600, 1, SECOND, 510],
    ['a probe in two seconds if nothing was accepted', undefined, 100, SECOND, 30],
    ['never less than one in five minutes', undefined, 99, HOUR, 0.2],
  ])('begins with %s', async (_what, limit, refused, retryAfterMs, expected) => {
    const throttled = limiter();
    await throttled.ask(100);
    throttled.partner = { ...throttled.partner, max_requests_per_minute: limit };
    for (let i = 0; i < refused; i += 1) await throttled.refuse(retryAfterMs);
    expect(await throttled.value('pace')).toBeCloseTo(expected, 5);
  });

  test('counts what was sent in the last seconds only', async () => {
    const throttled = limiter();
    await throttled.ask(1_000);
    throttled.nowMs += 5_001;
    await throttled.ask(1);
    await throttled.refuse(2_500);
    expect(await throttled.value('pace')).toBeCloseTo(499 * 12, 5);
    const later = limiter();
    await later.ask(1_000);
    later.nowMs += 10_001;
    await later.ask(11);
    await later.refuse(SECOND);
    expect(await later.value('pace')).toBe(600);
  });

  test.each([
    ['by 15%', 10, 400, 1_530],
    ['to what was accepted, if that is less', 20, 300, 300 * (60 / 21)],
    ['by half if nothing was accepted', 10, 0, 30],
  ])('of a later wave lowers the pace %s, once', async (_what, seconds, passed, expected) => {
    const throttled = await paced();
    throttled.nowMs += seconds * SECOND;
    if (passed > 0) await throttled.report({ passed });
    const refusedAt = await throttled.value('pace');
    expect(refusedAt).toBe(600 + 3 * passed);
    for (let i = 0; i < 30; i += 1) await throttled.refuse(SECOND, { sentAgoMs: 20 });
    // These were sent before the end of the wait.
    throttled.nowMs += 2 * SECOND;
    await throttled.refuse(SECOND, { sentAgoMs: 1_001 });
    await throttled.report({ passed: 100, sentAgoMs: 1_001 });
    expect(await throttled.value('pace')).toBeCloseTo(expected, 5);
    expect(await throttled.value('ceiling')).toBe(passed > 0 ? refusedAt : 0);
  });

  test('right after a wait does not lower the pace that counts as refused, nor halve the pace if some were accepted', async () => {
    const throttled = await paced();
    throttled.nowMs += 10 * SECOND;
    await throttled.report({ passed: 400 });
    await throttled.refuse();
    // Sent during the wait.
    throttled.nowMs += SECOND;
    await throttled.report({ passed: 10, sentAgoMs: 500 });
    throttled.nowMs += 1_999;
    await throttled.refuse();
    const again = [await throttled.value('pace'), await throttled.value('ceiling')];
    expect(again).toEqual([expect.closeTo((10 * MINUTE) / 2_999, 5), 1_800]);
    throttled.nowMs += 3 * SECOND;
    await throttled.report({ passed: 1 });
    await throttled.refuse();
    expect(await throttled.value('ceiling')).toBeCloseTo(1.25 * (again[0] ?? 0), 5);
  });

  test('that goes on halves the pace until it is one in five minutes', async () => {
    const throttled = await paced();
    const sent: number[] = [];
    while (sent.length < 10) {
      let [decision] = await throttled.decisions();
      while (decision?.verdict === 'wait' && !decision.isReserved) {
        throttled.nowMs = decision.atMs;
        decision = await throttled.again(decision);
      }
      throttled.nowMs = timeOf(decision, throttled.nowMs);
      sent.push(throttled.nowMs);
      await throttled.refuse();
    }
    const seconds = sent.slice(1).map((ms, index) => Math.round((ms - (sent[index] ?? 0)) / SECOND));
    expect(seconds).toEqual([2, 4, 8, 16, 33, 65, 131, 261, 306]);
  });

  test('is followed by growth: fast at first, then slowly to the pace that was refused, faster above it', async () => {
    const throttled = await paced();
    throttled.nowMs += SECOND;
    await throttled.report({ passed: 20 });
    await throttled.refuse(SECOND, { passed: 20 });
    expect([await throttled.value('pace'), await throttled.value('ceiling')]).toEqual([561, 660]);
    throttled.nowMs += SECOND;
    const grown: number[] = [];
    for (const passed of [10, 980, 10]) {
      await throttled.report({ passed });
      grown.push(await throttled.value('pace'));
    }
    expect(grown.map((pace) => Math.round(10 * pace) / 10)).toEqual([562, 660, 670]);
    throttled.nowMs += 100 * SECOND;
    await throttled.refuse();
    throttled.nowMs += SECOND;
    await throttled.refuse();
    throttled.nowMs += SECOND;
    await throttled.report({ passed: 10 });
    expect(await throttled.value('pace')).toBeCloseTo(30 * 1.25 ** 10, 5);
    await throttled.report({ passed: 100 });
    expect(await throttled.value('pace')).toBeLessThanOrEqual(0.85 * 670 + 100);
  });

  test('ends the pace at the limit, or an hour after the last wave, but not while deliveries wait', async () => {
    const [limited, old] = [await paced(600), await paced()];
    const [, , third] = await limited.decisions(50);
    await limited.report({ passed: 1_000 });
    old.nowMs += HOUR - 1;
    expect([await limited.value('pace'), (await limited.ask([])).wantsReport]).toEqual([600, true]);
    expect((await old.ask()).wantsReport).toBe(true);
    old.nowMs += 1;
    expect(await old.ask(3)).toEqual({ decisions: [allowed, allowed, allowed], isSlow: false, wantsReport: false });
    expect(third).toMatchObject({ isReserved: true });
    limited.nowMs += 6 * SECOND;
    expect((await limited.ask([])).wantsReport).toBe(false);
  });

  describe('makes a queue', () => {
    /** Asks again with what the decision says. */
    const again = (limited: ReturnType<typeof limiter>, decision: LimiterDecision | undefined) =>
      limited.again(decision as LimiterDecision);

    test('at the pace, with times for the next second, and positions for the others', async () => {
      const throttled = await paced();
      const decisions = await throttled.decisions(30);
      const times = decisions.map((one) => timeOf(one, throttled.nowMs) - throttled.nowMs);
      expect(times.slice(0, 10)).toEqual([0, 102, 204, 306, 408, 510, 612, 714, 816, 918]);
      expect(decisions.slice(0, 10)).toMatchObject([allowed, ...Array(9).fill({ isReserved: true })]);
      expect(decisions.slice(10)).toMatchObject(Array(20).fill({ isReserved: false }));
      expect(Math.min(...times.slice(10))).toBeGreaterThan(1_000);
      // Whoever asks when its turn is at most two seconds ahead gets the next free slot.
      throttled.nowMs += 900;
      const next = [await again(throttled, decisions[25]), await again(throttled, decisions[12])];
      expect(next).toMatchObject([1_020, 1_122].map((ms) => ({ isReserved: true, atMs: NOW + SECOND + ms })));
    });

    test('whose order a change of the pace keeps', async () => {
      const throttled = await paced();
      const before = await throttled.decisions(1_000);
      await throttled.report({ passed: 200 });
      throttled.nowMs += 3 * SECOND;
      const [early, late] = [await again(throttled, before[60]), await again(throttled, before[900])];
      const fresh = await throttled.decisions();
      const times = [early, late, fresh[0]].map((one) => timeOf(one, 0));
      expect(times).toEqual(times.toSorted((a, b) => a - b));
      // The pace has doubled, and no more than a quarter of the wait passes before the next question.
      expect(timeOf(late, 0) - throttled.nowMs).toBeLessThan(0.25 * 900 * 51);
    });

    test('in which late attempts delay the following ones by their slots only', async () => {
      const throttled = await paced();
      const before = await throttled.decisions(200);
      throttled.nowMs += 5 * SECOND;
      const first = await again(throttled, before[150]);
      for (const late of before.slice(20, 30)) await again(throttled, late);
      const second = await again(throttled, before[150]);
      // It asks again after a quarter of its wait.
      expect(timeOf(second, 0) - timeOf(first, 0)).toBeCloseTo(0.25 * 10 * 102, -1);
    });

    test('that begins again after a Retry-After which is no throttling', async () => {
      const throttled = await paced();
      await throttled.report({ failed: 1, retryAfterMs: 600 });
      throttled.nowMs += 200;
      const endMs = NOW + SECOND + 600;
      expect(await throttled.decisions(2)).toMatchObject([
        { isReserved: true, atMs: endMs },
        { isReserved: true, atMs: endMs + 102 },
      ]);
    });

    test('in which nothing has a time until the wave’s responses have arrived, or before its end', async () => {
      const throttled = limiter();
      await throttled.ask(10);
      await throttled.refuse(4 * SECOND);
      throttled.nowMs += 2 * SECOND;
      expect(await throttled.decisions()).toMatchObject([{ isReserved: false, atMs: NOW + 4 * SECOND }]);
      throttled.nowMs += 1_600;
      const endMs = NOW + 4 * SECOND;
      expect(await throttled.decisions()).toMatchObject([{ isReserved: true, atMs: endMs }]);
    });

    test('in which a position of another epoch is worth nothing', async () => {
      const throttled = await paced();
      const before = await throttled.decisions(100);
      throttled.partner = { ...throttled.partner, resumed_at: '2026-01-15T12:00:00Z' };
      expect(await again(throttled, before[99])).toEqual(allowed);
    });
  });
});

describe('a slow endpoint', () => {
  test('has two slow responses within 5 s, and counts as slow for a minute after the last one', async () => {
    const waiting = limiter();
    const signs = [0, 5_001, 10_001, MINUTE + 10_000];
    for (const [index, ms] of signs.entries()) {
      waiting.nowMs = NOW + ms;
      await waiting.slow(1);
      expect((await waiting.ask()).isSlow).toBe(index >= 2);
    }
    waiting.nowMs += MINUTE - 1;
    expect(await waiting.ask()).toMatchObject({ isSlow: true, wantsReport: true });
    waiting.nowMs += 1;
    expect(await waiting.ask()).toMatchObject({ isSlow: false, wantsReport: false });
  });

  test('has ten attempts in flight: by its timeout, then by their smoothed duration', async () => {
    const waiting = limiter();
    await waiting.report({ failed: 1, tookMs: 20 });
    await waiting.slow();
    expect(await waiting.decisions(2)).toEqual([allowed, reserved(NOW + 1_530)]);
    for (const [tookMs, intervalMs] of [
      [5_000, 510],
      [0, 510],
      [10_000, 663],
    ] as const) {
      waiting.nowMs += 10 * SECOND;
      await waiting.report({ passed: 1, tookMs });
      await waiting.slow();
      expect(await waiting.ask(2)).toMatchObject({
        decisions: [allowed, reserved(waiting.nowMs + intervalMs)],
        isSlow: true,
      });
    }
  });

  test.each([
    ['limit', 20, 0, 3_060],
    ['slowness', 60, 0, 1_530],
  ])(
    'goes by the lowest rate, that of its %s: limit %i, throttled %i times',
    async (_of, limit, refusals, intervalMs) => {
      const waiting = limiter(limit);
      for (let i = 0; i < refusals; i += 1) await waiting.refuse();
      waiting.nowMs += SECOND;
      await waiting.slow();
      expect(await waiting.decisions(2)).toEqual([allowed, reserved(waiting.nowMs + intervalMs)]);
    },
  );

  test('has nothing reserved more than ten minutes ahead, and no reservation after it has recovered', async () => {
    const waiting = limiter();
    await waiting.slow();
    const inTenMinutes = Math.floor((10 * MINUTE) / 1_530);
    expect((await waiting.decisions(inTenMinutes + 1)).at(-1)).toEqual(reserved(NOW + inTenMinutes * 1_530));
    expect(await waiting.decisions(2)).toEqual([unreserved(NOW + 10 * MINUTE), unreserved(NOW + 10 * MINUTE)]);
    waiting.nowMs += MINUTE;
    expect(await waiting.decisions([NOW + 91_800, undefined])).toEqual([allowed, allowed]);
  });
});

describe('a record', () => {
  test('expires an hour after the last time in it', async () => {
    const breaker = limiter();
    await breaker.report({ isGone: true });
    breaker.nowMs += 2 * HOUR;
    expect(await breaker.decisions()).toEqual([allowed]);
    breaker.nowMs += 6 * MINUTE + HOUR;
    expect((await breaker.ask(1, false)).isSlow).toBe(true);
    breaker.nowMs += 1;
    expect(await breaker.ask()).toEqual({ decisions: [allowed], isSlow: false, wantsReport: false });
  });

  test.each([
    ['another address', { url: 'https://partner.example/other' }],
    ['a resumption', { resumed_at: '2026-01-15T12:00:00Z' }],
  ])('with %s resets the endpoint’s state, but not the limit', async (_what, change) => {
    const limited = limiter(60);
    expect(await limited.decisions(2)).toEqual([allowed, reserved(NOW + 1_020)]);
    await limited.slow();
    await limited.report({ isGone: true, failed: 10, retryAfterMs: HOUR, tookMs: 15_000, throttled: 1 });
    limited.partner = { ...limited.partner, ...change };
    expect(await limited.ask([undefined, NOW + 1_020])).toEqual({
      decisions: [reserved(NOW + 2_040), reserved(NOW + 1_020)],
      isSlow: false,
      wantsReport: true,
    });
    await limited.slow();
    expect(await limited.decisions(2)).toEqual([reserved(NOW + 3_060), reserved(NOW + 4_590)]);
  });

  test('with other settings is not reset', async () => {
    const breaker = await opened();
    breaker.partner = { ...breaker.partner, paused: true, timeout_seconds: 20, max_requests_per_minute: 6 };
    expect(await breaker.decisions()).toEqual([failing]);
  });
});
