import { setImmediate } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import type { SlotRequest } from '../../lambdas/limiter/limiter.ts';
import { limiterKey } from '../../lambdas/limiter/limiter-record.ts';
import { createValkeyLimiter, type ValkeyLimiter } from '../../lambdas/limiter/valkey-limiter.ts';
import type { Integration } from '../../lambdas/partners/integration.ts';
import { ask } from '../../local/valkey/ask.ts';
import { canRunCluster, freePort, type RunningValkey, startValkey } from '../../local/valkey/start-valkey.ts';
import { until } from '../support/assembly.ts';
import { integration } from '../support/factories.ts';
import { allowed, failing, HOUR, reportOf, reserved, unreserved } from '../support/limiter-decisions.ts';
import { recordingLog } from '../support/recording-log.ts';
import { startValkeyFront } from '../support/valkey-front.ts';

/** Longer than a test. The deadlines of production are tested in `valkey/connection.test.ts`. */
const AMPLE = { commandMs: 30_000, firstConnectionMs: 30_000, reconnectionMs: 30_000, connectMs: 30_000 };
const PROBING = { mayProbe: true };
const SLOW_ATTEMPTS = 10;
const later = reserved(expect.any(Number) as never);
const laterUnreserved = unreserved(expect.any(Number) as never);

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

/** A function's limiter with its log, and a wall clock that `skip` moves on. Without Valkey its first request is sent immediately. */
function limiterAt(port: number, environments = 20, clock = Date.now) {
  const log = recordingLog();
  const deadlines = { ...AMPLE };
  let skippedMs = 0;
  const limiter = createValkeyLimiter({
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
  cleanups.push(() => limiter.close());
  const skip = (ms: number) => {
    skippedMs += ms;
  };
  return { limiter, lines: log.lines, deadlines, skip };
}

/** The same, with an open connection. */
async function connectedTo(port: number) {
  const connected = limiterAt(port);
  await untilShared(connected.limiter);
  return connected;
}

async function decisionsOf(limiter: ValkeyLimiter, one: Integration, requests: number | readonly SlotRequest[] = 1) {
  const asking = typeof requests === 'number' ? Array.from({ length: requests }, () => ({})) : requests;
  return (await limiter.acquire(one, asking, PROBING)).decisions;
}

/** Whether the server has the record of an integration. */
/** Asks until the server responds: after an outage a new connection is opened in the background. */
async function untilShared(limiter: ValkeyLimiter): Promise<void> {
  await until(async () => {
    // Only the server reserves slots. A record alone is no proof, because its response may have been late.
    const [, second] = await decisionsOf(limiter, newIntegration({ max_requests_per_minute: 60 }), 2);
    return second?.verdict === 'wait' && second.isReserved;
  });
}

describe('the record of an integration', () => {
  test('expires an hour after the last time in it', async () => {
    const { limiter } = await connectedTo(server.port);
    const [quiet, gone] = [newIntegration(), newIntegration()];
    await limiter.report(quiet, reportOf({ failed: 1 }));
    await limiter.report(gone, reportOf({ isGone: true }));
    for (const [one, hours] of [
      [quiet, 1],
      [gone, 2],
    ] as const) {
      const leftMs = Number((await ask(server.port, ['PTTL', limiterKey(one)])).slice(1));
      expect(leftMs).toBeLessThanOrEqual(hours * HOUR);
      expect(leftMs).toBeGreaterThan(hours * HOUR - 30_000);
    }
  });

  test('of an integration without a limit has a count of the sent attempts only, for a minute', async () => {
    const { limiter } = await connectedTo(server.port);
    const free = newIntegration();
    expect(await decisionsOf(limiter, free, 10)).toEqual(Array(10).fill(allowed));
    expect(await ask(server.port, ['HGET', limiterKey(free), 'accepted'])).toContain('10');
    expect(await ask(server.port, ['HLEN', limiterKey(free)])).toContain('2');
    const ttl = Number(/\d+/.exec(await ask(server.port, ['TTL', limiterKey(free)]))?.[0]);
    expect(ttl).toBeGreaterThan(0);
    expect(ttl).toBeLessThanOrEqual(60);
  });
});

describe('several functions', () => {
  test('share one limit: no slot is assigned twice, and no minute exceeds it', async () => {
    const limiters = await Promise.all(Array.from({ length: 4 }, () => connectedTo(server.port)));
    const limited = newIntegration({ max_requests_per_minute: 600 });
    const calls = limiters.flatMap(({ limiter }) =>
      Array.from({ length: 25 }, () => decisionsOf(limiter, limited, 10)),
    );
    const decisions = (await Promise.all(calls)).flat();
    const times = decisions.map((one) => (one.verdict === 'wait' ? one.atMs : 0)).toSorted((a, b) => a - b);
    expect(times.filter((ms) => ms === 0)).toHaveLength(1);
    const gaps = times.slice(2).map((ms, index) => ms - (times[index + 1] ?? 0));
    expect(new Set(gaps)).toEqual(new Set([102]));
    expect(limiters.flatMap(({ lines }) => lines)).toEqual([]);
  });

  test('share one circuit breaker, one probe and the slow state', async () => {
    const [{ limiter: one }, { limiter: other }] = [await connectedTo(server.port), await connectedTo(server.port)];
    const [broken, waiting] = [newIntegration(), newIntegration()];
    await one.report(broken, reportOf({ failed: 6 }));
    await other.report(broken, reportOf({ failed: 4 }));
    expect(await one.acquire(broken, [{}], PROBING)).toEqual({ decisions: [failing], isSlow: true, wantsReport: true });
    await other.report(broken, reportOf({ passed: 1 }));
    expect(await one.acquire(broken, [{}], PROBING)).toEqual({
      decisions: [allowed],
      isSlow: false,
      wantsReport: false,
    });
    await one.reportSlow(waiting);
    await other.reportSlow(waiting);
    expect((await one.acquire(waiting, [{}], PROBING)).isSlow).toBe(true);
  });

  test('share reservations, and use the server’s clock, not their own', async () => {
    const [one, other] = [await connectedTo(server.port), await connectedTo(server.port)];
    other.skip(-HOUR);
    const limited = newIntegration({ max_requests_per_minute: 1 });
    const [first, second] = await decisionsOf(one.limiter, limited, 2);
    expect(first).toEqual(allowed);
    if (second?.verdict !== 'wait') throw new Error('two went at once');
    expect(await decisionsOf(other.limiter, limited, [{ reservedForMs: second.atMs }])).toEqual([second]);
    expect(Math.abs(second.atMs - 61_200 - Date.now())).toBeLessThan(10_000);
  });

  test('send one command on one key per call, and the script only to a server that has not cached it', async () => {
    const front = await startValkeyFront(server.port);
    cleanups.push(() => front.stop());
    const { limiter, lines } = await connectedTo(front.port);
    const limited = newIntegration({ max_requests_per_minute: 60 });
    await ask(server.port, ['SCRIPT', 'FLUSH']);
    expect(await decisionsOf(limiter, limited, 2)).toEqual([allowed, later]);
    expect(await decisionsOf(limiter, limited, 5)).toEqual(Array(5).fill(later));
    const asked = front.commands.filter((words) => words.includes(limiterKey(limited)));
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
      const first = await Promise.all(partners.map((partner) => decisionsOf(one.limiter, partner)));
      expect(first).toEqual(partners.map(() => [allowed]));
      const second = await Promise.all(partners.map((partner) => decisionsOf(other.limiter, partner)));
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

    for (const { limiter, skip } of [one, other]) {
      // Connections are opened a second apart.
      skip(1_000);
      expect(await decisionsOf(limiter, limited, 3)).toEqual([allowed, laterUnreserved, laterUnreserved]);
      for (let i = 0; i < 20; i += 1)
        expect(await decisionsOf(limiter, limited, 2)).toEqual([laterUnreserved, laterUnreserved]);
    }
    await until(() => one.lines.length > 0 && other.lines.length > 0);
    const warning = { level: 'warn', message: 'limiter.unavailable', fields: expect.objectContaining({}) };
    expect([one.lines, other.lines]).toEqual([[warning], [warning]]);

    const back = await startValkeyFront(server.port, { port: front.port });
    cleanups.push(() => back.stop());
    for (const { limiter, skip } of [one, other]) {
      skip(1_000);
      await untilShared(limiter);
    }
    const shared = newIntegration({ max_requests_per_minute: 60 });
    expect(await decisionsOf(one.limiter, shared)).toEqual([allowed]);
    expect(await decisionsOf(other.limiter, shared)).toEqual([later]);
    const recovered = { level: 'info', message: 'limiter.recovered', fields: {} };
    expect([one.lines, other.lines]).toEqual([
      [warning, recovered],
      [warning, recovered],
    ]);
  });

  test('nothing is rejected; `Retry-After` and slowness are stored', async () => {
    const { limiter } = limiterAt(await freePort());
    const [broken, paused, waiting] = [newIntegration(), newIntegration(), newIntegration()];
    await limiter.report(broken, reportOf({ failed: 10, isGone: true }));
    expect(await decisionsOf(limiter, broken)).toEqual([allowed]);
    await limiter.report(paused, reportOf({ failed: 1, retryAfterMs: 30_000 }));
    expect(await decisionsOf(limiter, paused)).toEqual([laterUnreserved]);
    await limiter.reportSlow(waiting);
    await limiter.reportSlow(waiting);
    expect((await limiter.acquire(waiting, [{}], PROBING)).isSlow).toBe(true);
  });

  test('a call to a server that hangs ends, with one warning; then limits are shared again', async () => {
    const front = await startValkeyFront(server.port);
    cleanups.push(() => front.stop());
    const { limiter, lines, deadlines, skip } = await connectedTo(front.port);
    const limited = newIntegration({ max_requests_per_minute: 60 });
    front.abandonSockets();
    deadlines.commandMs = 50;
    expect(await decisionsOf(limiter, limited, 2)).toEqual([allowed, laterUnreserved]);
    deadlines.commandMs = AMPLE.commandMs;
    skip(1_000);
    await untilShared(limiter);
    expect(lines.map(({ message }) => message)).toEqual(['limiter.unavailable', 'limiter.recovered']);
    // Less than the limit of 50 ms by what the call had taken before.
    expect(lines[0]?.fields.reason).toMatch(/^no response within \d+ ms$/);
  });

  test('a refused script is no response, with the reason', async () => {
    const { limiter, lines } = await connectedTo(server.port);
    const limited = newIntegration({ max_requests_per_minute: 60 });
    await ask(server.port, ['SET', limiterKey(limited), 'a string, not a hash']);
    expect(await decisionsOf(limiter, limited, 2)).toEqual([allowed, laterUnreserved]);
    await limiter.report(limited, reportOf({ failed: 1 }));
    expect(lines.map(({ message }) => message)).toEqual(['limiter.unavailable']);
    expect(lines[0]?.fields.reason).toContain('WRONGTYPE');
  });

  test('a closed limiter continues without Valkey immediately', async () => {
    const { limiter, lines } = await connectedTo(server.port);
    const limited = newIntegration({ max_requests_per_minute: 60 });
    await limiter.close();
    const asked = decisionsOf(limiter, limited, 2);
    expect(await Promise.race([asked, setImmediate('later')])).toEqual([allowed, laterUnreserved]);
    expect(lines).toEqual([]);
  });
});
