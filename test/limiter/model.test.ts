import { afterAll, beforeAll, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { limiterKey } from '../../lambdas/limiter/limiter-record.ts';
import {
  acquireCommand,
  readLimiterReply,
  reportCommand,
  runLimiterScript,
  slowCommand,
} from '../../lambdas/limiter/limiter-script.ts';
import type { Integration } from '../../lambdas/partners/integration.ts';
import { clientOpener, disconnect, type ValkeyClient } from '../../lambdas/valkey/client.ts';
import { type RunningValkey, startValkey } from '../../local/valkey/start-valkey.ts';
import { integration, NOW } from '../support/factories.ts';
import { HOUR, reportOf } from '../support/limiter-decisions.ts';
import { acquire, report, slow } from './model.ts';
import { UNKNOWN } from './model-state.ts';

// The script in Valkey decides as the specification does.

let server: RunningValkey;
let client: ValkeyClient;
beforeAll(async () => {
  server = await startValkey();
  client = await clientOpener({ host: '127.0.0.1', port: server.port, tls: false })(2_000);
}, 15_000);
afterAll(async () => {
  disconnect(client);
  await server.stop();
});

let integrations = 0;
/** An integration without a record yet. */
function newIntegration(overrides: Partial<Integration> = {}): Integration {
  integrations += 1;
  return integration({ id: `partner-${integrations}`, ...overrides });
}

const request = fc.oneof(
  fc.constant(undefined),
  fc.integer({ min: -120_000, max: 120_000 }),
  fc.constantFrom(-60_001, -60_000, 0, 1, 72 * HOUR, 72 * HOUR + 1),
);
const limit = fc.option(fc.oneof(fc.constantFrom(1, 2, 60_000), fc.integer({ min: 1, max: 60_000 })), {
  nil: undefined,
});
const pauseMs = fc.oneof(
  { weight: 12, arbitrary: fc.nat(5_000) },
  { weight: 6, arbitrary: fc.constantFrom(-5_000, 29_999, 30_000, 60_000, 360_000) },
  { weight: 1, arbitrary: fc.constantFrom(HOUR, HOUR + 1, 3 * HOUR) },
);
const admitStep = fc.record({
  kind: fc.constant('acquire' as const),
  offsetsMs: fc.array(request, { minLength: 1, maxLength: 6 }),
  mayProbe: fc.boolean(),
  slowAttempts: fc.constantFrom<number>(1, 2, 10, 180),
});
const reportStep = fc.record({
  kind: fc.constant('report' as const),
  report: fc.record({
    passed: fc.constantFrom(0, 0, 1, 10, 6_000),
    failed: fc.constantFrom(0, 0, 1, 4, 10),
    isGone: fc.constantFrom(false, false, false, false, true),
    isThrottled: fc.constantFrom(false, false, true),
    retryAfterMs: fc.constantFrom(0, 0, 0, 1_500.5, 120_000, 2 * HOUR),
    tookMs: fc.oneof(fc.constantFrom(0, 1), fc.nat(300_000)),
  }),
});
const slowStep = fc.record({ kind: fc.constant('slow' as const) });
const changeStep = fc.record({
  kind: fc.constant('change' as const),
  change: fc.record(
    {
      max_requests_per_minute: limit,
      timeout_seconds: fc.constantFrom(5, 300),
      url: fc.constantFrom('https://partner.example/one', 'https://partner.example/two'),
    },
    { requiredKeys: [] },
  ),
});
const steps = fc.array(
  fc.tuple(
    pauseMs,
    fc.oneof(
      { weight: 12, arbitrary: admitStep },
      { weight: 6, arbitrary: reportStep },
      { weight: 6, arbitrary: slowStep },
      { weight: 1, arbitrary: changeStep },
    ),
  ),
  { minLength: 20, maxLength: 60 },
);

type Steps = typeof steps extends fc.Arbitrary<infer Value> ? Value : never;

/** A circuit breaker that may be probed, during a `Retry-After`. */
const waitingProbe = (leftMs: number): [undefined, Steps] => {
  const ask = { kind: 'acquire' as const, offsetsMs: [undefined, undefined], mayProbe: true, slowAttempts: 10 };
  const report = { ...reportOf({}), passed: 0, failed: 10, retryAfterMs: 30_000 + leftMs } as const;
  const waiting = { kind: 'report' as const, report };
  return [
    undefined,
    [
      [0, waiting],
      [30_000, ask],
      [0, ask],
    ],
  ];
};

test('decides like the model in TypeScript, for any sequence of calls', async () => {
  const any = newIntegration();
  await runLimiterScript(client, limiterKey(any), slowCommand(any), NOW);
  await fc.assert(
    fc.asyncProperty(limit, steps, async (firstLimit, sequence) => {
      let one = newIntegration();
      const key = limiterKey(one);
      one = { ...one, max_requests_per_minute: firstLimit };
      let state = UNKNOWN;
      let nowMs = NOW;
      // Pipelined: the server handles them in order if it has cached the script.
      const answers = sequence.map(async ([pause, step]) => {
        nowMs += pause;
        if (step.kind === 'change') {
          one = { ...one, ...step.change };
          return [null, null];
        }
        if (step.kind === 'slow') {
          state = slow(state, one, nowMs);
          return [await runLimiterScript(client, key, slowCommand(one), nowMs), null];
        }
        if (step.kind === 'report') {
          state = report(state, one, step.report, nowMs);
          return [await runLimiterScript(client, key, reportCommand(one, step.report), nowMs), null];
        }
        const requests = step.offsetsMs.map((ms) => (ms === undefined ? {} : { reservedForMs: nowMs + ms }));
        const request = { requests, mayProbe: step.mayProbe, slowAttempts: step.slowAttempts };
        const expected = acquire(state, one, request, nowMs);
        state = expected.state;
        return [
          readLimiterReply(await runLimiterScript(client, key, acquireCommand(one, request), nowMs), requests.length),
          expected.answer,
        ];
      });
      const compared = await Promise.all(answers);
      expect(compared.map(([actual]) => actual)).toEqual(compared.map(([, expected]) => expected));
    }),
    { numRuns: 100, examples: [waitingProbe(1_000), waitingProbe(1_001)] },
  );
}, 30_000);

test('takes a hundred attempts in one call', async () => {
  const requests = Array(100).fill({ reservedForMs: undefined });
  const request = { requests, mayProbe: true, slowAttempts: 10 };
  const limited = newIntegration({ max_requests_per_minute: 60_000 });
  const answer = readLimiterReply(
    await runLimiterScript(client, limiterKey(limited), acquireCommand(limited, request), NOW),
    100,
  );
  expect(answer).toEqual(acquire(UNKNOWN, limited, request, NOW).answer);
});
