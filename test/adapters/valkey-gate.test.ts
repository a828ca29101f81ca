import { setImmediate } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { clientOpener, disconnect, type ValkeyClient } from '../../lambdas/adapters/valkey/client.ts';
import {
  admitQuestion,
  askGate,
  gateAnswer,
  reportQuestion,
  slowQuestion,
} from '../../lambdas/adapters/valkey/gate-script.ts';
import { createValkeyGate, type ValkeyGate } from '../../lambdas/adapters/valkey-gate.ts';
import type { GateReport, GateTicket } from '../../lambdas/contract/delivery-ports.ts';
import type { Integration } from '../../lambdas/contract/integration.ts';
import { gateKey } from '../../lambdas/domain/gate-record.ts';
import { ask } from '../../local/valkey/ask.ts';
import { canRunCluster, freePort, type RunningValkey, startValkey } from '../../local/valkey/start-valkey.ts';
import { admit, report, slow } from '../specification/limiter.ts';
import { UNKNOWN } from '../specification/limiter-state.ts';
import { until } from '../support/assembly.ts';
import { integration, NOW } from '../support/factories.ts';
import { recordingLog } from '../support/recording-log.ts';
import { startValkeyFront } from '../support/valkey-front.ts';

/** Longer than a test. The deadlines of production are tested in `valkey/connection.test.ts`. */
const AMPLE = { commandMs: 30_000, firstConnectionMs: 30_000, reconnectionMs: 30_000, connectMs: 30_000 };
const HOUR_MS = 3_600_000;
const PROBING = { mayProbe: true };
const SLOW_ATTEMPTS = 10;
const go = { verdict: 'now' };
const failing = { verdict: 'parked', reason: 'failing' };
const later = { verdict: 'later', atMs: expect.any(Number), isReserved: true };
const unreserved = { ...later, isReserved: false };

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

let server: RunningValkey;
beforeAll(async () => {
  server = await startValkey();
});
afterAll(() => server.stop());

let integrations = 0;
/** An integration that no other test uses: they share a server. */
function newIntegration(overrides: Partial<Integration> = {}): Integration {
  integrations += 1;
  return integration({ id: `partner-${integrations}`, ...overrides });
}

/** A function's gate with its log, and a wall clock that `skip` moves on. Without Valkey its first request goes at once. */
function gateAt(port: number, environments = 20, clock = Date.now) {
  const log = recordingLog();
  const deadlines = { ...AMPLE };
  let skippedMs = 0;
  const gate = createValkeyGate({
    host: '127.0.0.1',
    port,
    tls: false,
    slowAttempts: SLOW_ATTEMPTS,
    environments,
    random: () => 0,
    deadlines,
    log,
    now: () => clock() + skippedMs,
  });
  cleanups.push(() => gate.close());
  const skip = (ms: number) => {
    skippedMs += ms;
  };
  return { gate, lines: log.lines, deadlines, skip };
}

/** The same, its connection open. */
async function connectedTo(port: number) {
  const connected = gateAt(port);
  await untilShared(connected.gate);
  return connected;
}

async function admissionsOf(gate: ValkeyGate, one: Integration, tickets: number | readonly GateTicket[] = 1) {
  const asking = typeof tickets === 'number' ? Array.from({ length: tickets }, () => ({})) : tickets;
  return (await gate.admit(one, asking, PROBING)).admissions;
}

function told(about: Partial<GateReport>): GateReport {
  return { passed: 0, failed: 0, isGone: false, isThrottled: false, holdMs: 0, tookMs: 0, ...about };
}

async function openClient(port: number): Promise<ValkeyClient> {
  const client = await clientOpener({ host: '127.0.0.1', port, tls: false })(2_000);
  cleanups.push(() => disconnect(client));
  return client;
}

/** Whether the server holds the record of an integration; waits for nothing. */
async function isKnown(port: number, one: Integration): Promise<boolean> {
  return (await ask(port, ['EXISTS', gateKey(one)])) === ':1';
}

/** Asks until the server answers: after an outage a fresh connection is opened in the background. */
async function untilShared(gate: ValkeyGate): Promise<void> {
  await until(async () => {
    // Only the server reserves a time. That it has a record says less: its response may have come too late.
    const [, second] = await admissionsOf(gate, newIntegration({ max_requests_per_minute: 60 }), 2);
    return second?.verdict === 'later' && second.isReserved;
  });
}

describe('the script', () => {
  const ticket = fc.oneof(
    fc.constant(undefined),
    fc.integer({ min: -120_000, max: 120_000 }),
    fc.constantFrom(-60_001, -60_000, 0, 1, 72 * HOUR_MS, 72 * HOUR_MS + 1),
  );
  const limit = fc.option(fc.oneof(fc.constantFrom(1, 2, 60_000), fc.integer({ min: 1, max: 60_000 })), {
    nil: undefined,
  });
  const pauseMs = fc.oneof(
    { weight: 12, arbitrary: fc.nat(5_000) },
    { weight: 6, arbitrary: fc.constantFrom(-5_000, 29_999, 30_000, 60_000, 360_000) },
    { weight: 1, arbitrary: fc.constantFrom(HOUR_MS, HOUR_MS + 1, 3 * HOUR_MS) },
  );
  const admitStep = fc.record({
    kind: fc.constant('admit' as const),
    offsetsMs: fc.array(ticket, { minLength: 1, maxLength: 6 }),
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
      holdMs: fc.constantFrom(0, 0, 0, 1_500.5, 120_000, 2 * HOUR_MS),
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

  /** A breaker that may be probed, while a hold has so long to go. */
  const heldProbe = (leftMs: number): [undefined, Steps] => {
    const ask = { kind: 'admit' as const, offsetsMs: [undefined, undefined], mayProbe: true, slowAttempts: 10 };
    const report = { ...told({}), passed: 0, failed: 10, holdMs: 30_000 + leftMs } as const;
    const held = { kind: 'report' as const, report };
    return [
      undefined,
      [
        [0, held],
        [30_000, ask],
        [0, ask],
      ],
    ];
  };

  test('answers as the rules in TypeScript do, whatever happens', async () => {
    const client = await openClient(server.port);
    const any = newIntegration();
    await askGate(client, gateKey(any), slowQuestion(any), NOW);
    await fc.assert(
      fc.asyncProperty(limit, steps, async (firstLimit, sequence) => {
        let one = newIntegration();
        const key = gateKey(one);
        one = { ...one, max_requests_per_minute: firstLimit };
        let state = UNKNOWN;
        let nowMs = NOW;
        // All in one go: the server takes them in their order, where it knows the script.
        const answers = sequence.map(async ([pause, step]) => {
          nowMs += pause;
          if (step.kind === 'change') {
            one = { ...one, ...step.change };
            return [null, null];
          }
          if (step.kind === 'slow') {
            state = slow(state, one, nowMs);
            return [await askGate(client, key, slowQuestion(one), nowMs), null];
          }
          if (step.kind === 'report') {
            state = report(state, one, step.report, nowMs);
            return [await askGate(client, key, reportQuestion(one, step.report), nowMs), null];
          }
          const tickets = step.offsetsMs.map((ms) => (ms === undefined ? {} : { reservedForMs: nowMs + ms }));
          const request = { tickets, mayProbe: step.mayProbe, slowAttempts: step.slowAttempts };
          const expected = admit(state, one, request, nowMs);
          state = expected.state;
          return [
            gateAnswer(await askGate(client, key, admitQuestion(one, request), nowMs), tickets.length),
            expected.answer,
          ];
        });
        const compared = await Promise.all(answers);
        expect(compared.map(([actual]) => actual)).toEqual(compared.map(([, expected]) => expected));
      }),
      { numRuns: 100, examples: [heldProbe(1_000), heldProbe(1_001)] },
    );
  });

  test('takes a hundred tries in one call', async () => {
    const client = await openClient(server.port);
    const tickets = Array(100).fill({ reservedForMs: undefined });
    const request = { tickets, mayProbe: true, slowAttempts: SLOW_ATTEMPTS };
    const limited = newIntegration({ max_requests_per_minute: 60_000 });
    const answer = gateAnswer(await askGate(client, gateKey(limited), admitQuestion(limited, request), NOW), 100);
    expect(answer).toEqual(admit(UNKNOWN, limited, request, NOW).answer);
  });

  test('lets the server drop a record an hour after the last moment that it speaks of', async () => {
    const { gate } = await connectedTo(server.port);
    const [quiet, gone] = [newIntegration(), newIntegration()];
    await gate.report(quiet, told({ failed: 1 }));
    await gate.report(gone, told({ isGone: true }));
    for (const [one, hours] of [
      [quiet, 1],
      [gone, 2],
    ] as const) {
      const leftMs = Number((await ask(server.port, ['PTTL', gateKey(one)])).slice(1));
      expect(leftMs).toBeLessThanOrEqual(hours * HOUR_MS);
      expect(leftMs).toBeGreaterThan(hours * HOUR_MS - 30_000);
    }
  });

  test('keeps no record where there is nothing to say', async () => {
    const { gate } = await connectedTo(server.port);
    const free = newIntegration();
    expect(await admissionsOf(gate, free, 10)).toEqual(Array(10).fill(go));
    expect(await isKnown(server.port, free)).toBe(false);
  });
});

describe('several functions', () => {
  test('share one limit: no time is given twice, and a minute never holds more', async () => {
    const gates = await Promise.all(Array.from({ length: 4 }, () => connectedTo(server.port)));
    const limited = newIntegration({ max_requests_per_minute: 600 });
    const calls = gates.flatMap(({ gate }) => Array.from({ length: 25 }, () => admissionsOf(gate, limited, 10)));
    const admissions = (await Promise.all(calls)).flat();
    const times = admissions.map((one) => (one.verdict === 'later' ? one.atMs : 0)).toSorted((a, b) => a - b);
    expect(times.filter((ms) => ms === 0)).toHaveLength(1);
    const gaps = times.slice(2).map((ms, index) => ms - (times[index + 1] ?? 0));
    expect(new Set(gaps)).toEqual(new Set([102]));
    expect(gates.flatMap(({ lines }) => lines)).toEqual([]);
  });

  test('share one breaker, one probe and what is slow', async () => {
    const [{ gate: one }, { gate: other }] = [await connectedTo(server.port), await connectedTo(server.port)];
    const [broken, waiting] = [newIntegration(), newIntegration()];
    await one.report(broken, told({ failed: 6 }));
    await other.report(broken, told({ failed: 4 }));
    expect(await one.admit(broken, [{}], PROBING)).toEqual({ admissions: [failing], isSlow: true, wantsReport: true });
    await other.report(broken, told({ passed: 1 }));
    expect(await one.admit(broken, [{}], PROBING)).toEqual({ admissions: [go], isSlow: false, wantsReport: false });
    await one.reportSlow(waiting);
    await other.reportSlow(waiting);
    expect((await one.admit(waiting, [{}], PROBING)).isSlow).toBe(true);
  });

  test('keep reservations, and go by the clock of the server, not by their own', async () => {
    const [one, other] = [await connectedTo(server.port), await connectedTo(server.port)];
    other.skip(-HOUR_MS);
    const limited = newIntegration({ max_requests_per_minute: 1 });
    const [first, second] = await admissionsOf(one.gate, limited, 2);
    expect(first).toEqual(go);
    if (second?.verdict !== 'later') throw new Error('two went at once');
    expect(await admissionsOf(other.gate, limited, [{ reservedForMs: second.atMs }])).toEqual([second]);
    expect(Math.abs(second.atMs - 61_200 - Date.now())).toBeLessThan(10_000);
  });

  test('ask one command on one key per call; the script itself goes to a server that does not know it', async () => {
    const front = await startValkeyFront(server.port);
    cleanups.push(() => front.stop());
    const { gate, lines } = await connectedTo(front.port);
    const limited = newIntegration({ max_requests_per_minute: 60 });
    await ask(server.port, ['SCRIPT', 'FLUSH']);
    expect(await admissionsOf(gate, limited, 2)).toEqual([go, later]);
    expect(await admissionsOf(gate, limited, 5)).toEqual(Array(5).fill(later));
    const asked = front.commands.filter((words) => words.includes(gateKey(limited)));
    expect(asked.map(([name, , keys]) => [name?.toLowerCase(), keys])).toEqual([
      ['evalsha', '1'],
      ['eval', '1'],
      ['evalsha', '1'],
    ]);
    expect(lines).toEqual([]);
  });

  // A new real cluster takes two seconds to become ready.
  (canRunCluster() ? test : test.skip)(
    'share their limits in a real cluster (needs valkey-server or redis-server on PATH)',
    async () => {
      const cluster = await startValkey({ cluster: true });
      cleanups.push(() => cluster.stop());
      const [one, other] = [await connectedTo(cluster.port), await connectedTo(cluster.port)];
      const partners = Array.from({ length: 20 }, () => newIntegration({ max_requests_per_minute: 60 }));
      const first = await Promise.all(partners.map((partner) => admissionsOf(one.gate, partner)));
      expect(first).toEqual(partners.map(() => [go]));
      const second = await Promise.all(partners.map((partner) => admissionsOf(other.gate, partner)));
      expect(second).toEqual(partners.map(() => [later]));
      expect([...one.lines, ...other.lines]).toEqual([]);
    },
    15_000,
  );
});

describe('without Valkey', () => {
  test('each environment sends its share, with one warning; then limits are shared again', async () => {
    const front = await startValkeyFront(server.port);
    const [one, other] = [await connectedTo(front.port), await connectedTo(front.port)];
    const limited = newIntegration({ max_requests_per_minute: 60 });
    await front.stop();

    for (const { gate, skip } of [one, other]) {
      // Connections are opened a second apart.
      skip(1_000);
      expect(await admissionsOf(gate, limited, 3)).toEqual([go, unreserved, unreserved]);
      for (let i = 0; i < 20; i += 1) expect(await admissionsOf(gate, limited, 2)).toEqual([unreserved, unreserved]);
    }
    await until(() => one.lines.length > 0 && other.lines.length > 0);
    const warning = { level: 'warn', message: 'gate.unavailable', fields: expect.objectContaining({}) };
    expect([one.lines, other.lines]).toEqual([[warning], [warning]]);

    const back = await startValkeyFront(server.port, { port: front.port });
    cleanups.push(() => back.stop());
    for (const { gate, skip } of [one, other]) {
      skip(1_000);
      await untilShared(gate);
    }
    const shared = newIntegration({ max_requests_per_minute: 60 });
    expect(await admissionsOf(one.gate, shared)).toEqual([go]);
    expect(await admissionsOf(other.gate, shared)).toEqual([later]);
    const recovered = { level: 'info', message: 'gate.recovered', fields: {} };
    expect([one.lines, other.lines]).toEqual([
      [warning, recovered],
      [warning, recovered],
    ]);
  });

  test('nothing is parked; hold and slowness are kept', async () => {
    const { gate } = gateAt(await freePort());
    const [broken, held, waiting] = [newIntegration(), newIntegration(), newIntegration()];
    await gate.report(broken, told({ failed: 10, isGone: true }));
    expect(await admissionsOf(gate, broken)).toEqual([go]);
    await gate.report(held, told({ failed: 1, holdMs: 30_000 }));
    expect(await admissionsOf(gate, held)).toEqual([unreserved]);
    await gate.reportSlow(waiting);
    await gate.reportSlow(waiting);
    expect((await gate.admit(waiting, [{}], PROBING)).isSlow).toBe(true);
  });

  test('a call to a server that hangs ends, with one warning; then limits are shared again', async () => {
    const front = await startValkeyFront(server.port);
    cleanups.push(() => front.stop());
    const { gate, lines, deadlines, skip } = await connectedTo(front.port);
    const limited = newIntegration({ max_requests_per_minute: 60 });
    front.abandonSockets();
    deadlines.commandMs = 50;
    expect(await admissionsOf(gate, limited, 2)).toEqual([go, unreserved]);
    deadlines.commandMs = AMPLE.commandMs;
    skip(1_000);
    await untilShared(gate);
    expect(lines.map(({ message }) => message)).toEqual(['gate.unavailable', 'gate.recovered']);
    expect(lines[0]?.fields.reason).toBe('no answer within 50 ms');
  });

  test('a refused script is no response, with the reason', async () => {
    const { gate, lines } = await connectedTo(server.port);
    const limited = newIntegration({ max_requests_per_minute: 60 });
    await ask(server.port, ['SET', gateKey(limited), 'a string, not a hash']);
    expect(await admissionsOf(gate, limited, 2)).toEqual([go, unreserved]);
    await gate.report(limited, told({ failed: 1 }));
    expect(lines.map(({ message }) => message)).toEqual(['gate.unavailable']);
    expect(lines[0]?.fields.reason).toContain('WRONGTYPE');
  });

  test('a closed gate goes on by itself, at once', async () => {
    const { gate, lines } = await connectedTo(server.port);
    const limited = newIntegration({ max_requests_per_minute: 60 });
    await gate.close();
    const asked = admissionsOf(gate, limited, 2);
    expect(await Promise.race([asked, setImmediate('later')])).toEqual([go, unreserved]);
    expect(lines).toEqual([]);
  });
});
