import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { setImmediate } from 'node:timers/promises';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { createValkeyCache, type ValkeyCache } from '../../lambdas/warehouse/cache.ts';
import { type LearnerKey, type LearningTime, learnerKeyText } from '../../lambdas/warehouse/learning-time.ts';
import { ask } from '../../local/valkey/ask.ts';
import { canRunCluster, freePort, type RunningValkey, startValkey } from '../../local/valkey/start-valkey.ts';
import { until } from '../support/assembly.ts';
import { recordingLog } from '../support/recording-log.ts';
import { startValkeyFront, type ValkeyFront } from '../support/valkey-front.ts';

/** Longer than a test. The deadlines of production are tested in `valkey/connection.test.ts`. */
const AMPLE = { commandMs: 30_000, firstConnectionMs: 30_000, reconnectionMs: 30_000, connectMs: 30_000 };
const SHORT = { commandMs: 50, firstConnectionMs: 50, reconnectionMs: 50, connectMs: 200 };
const STORED: LearningTime = { found: true, totalSeconds: 18_540, lastDate: '2026-01-10' };

interface CacheOptions {
  random?: () => number;
  host?: string;
  frozen?: boolean;
  deadlines?: typeof AMPLE;
}

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

const unavailable = (reason: unknown) => ({
  level: 'warn',
  message: 'cache.unavailable',
  fields: { what: 'connection', reason },
});

let users = 0;
/** A learner that no other test uses: they share a server. */
function newKey(): LearnerKey {
  users += 1;
  return { userId: String(users), courseId: 'course-v1:Org+Course+Run', enterpriseId: 'e0c1' };
}

/** A cache with its log, its deadlines, and a wall clock that `skip` moves forward. If it is `frozen`, only `skip` moves it. */
function cacheAt(port: number, { frozen = false, deadlines = AMPLE, ...options }: CacheOptions = {}) {
  const log = recordingLog();
  let skippedMs = 0;
  const own = { ...deadlines };
  const now = () => (frozen ? 0 : Date.now()) + skippedMs;
  const cache = createValkeyCache({
    host: '127.0.0.1',
    port,
    tls: false,
    log,
    now,
    deadlines: own,
    random: () => 0.5,
    ...options,
  });
  cleanups.push(() => cache.close());
  const skip = (ms: number) => {
    skippedMs += ms;
  };
  return { cache, lines: log.lines, deadlines: own, skip };
}

async function frontOf(port: number, options: { cluster?: boolean; port?: number } = {}): Promise<ValkeyFront> {
  const front = await startValkeyFront(port, options);
  cleanups.push(() => front.stop());
  return front;
}

/** A server of raw sockets on a free port. */
async function rawServer(onSocket: (socket: Socket) => void): Promise<number> {
  const sockets = new Set<Socket>();
  const server: Server = createServer((socket) => {
    sockets.add(socket.on('error', () => {}));
    onSocket(socket);
  });
  cleanups.push(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

/** Whether `work` ends without a timer or a socket. */
function atOnce(work: Promise<unknown>): Promise<boolean> {
  return Promise.race([work.then(() => true), setImmediate(false)]);
}

async function store(cache: ValkeyCache, key: LearnerKey, learningTime: LearningTime = STORED): Promise<void> {
  await until(async () => {
    await cache.write(new Map([[learnerKeyText(key), learningTime]]), 3600, undefined);
    return (await hitsOf(cache, [key])).size === 1;
  });
}

const hitsOf = async (cache: ValkeyCache, keys: readonly LearnerKey[]) => (await cache.read(keys)).hits;

let server: RunningValkey;
beforeAll(async () => {
  server = await startValkey();
});
afterAll(() => server.stop());

describe('learning times', () => {
  test('a sum, a sum of 0 and "no data" are distinct; a key that was never stored is a miss', async () => {
    const { cache, lines } = cacheAt(server.port);
    const [sum, zero, none, missing] = [newKey(), newKey(), newKey(), newKey()];
    const stored = new Map<string, LearningTime>([
      [learnerKeyText(sum), STORED],
      [learnerKeyText(zero), { found: true, totalSeconds: 0, lastDate: '2026-01-10' }],
      [learnerKeyText(none), { found: false }],
    ]);
    await cache.read([missing]);
    await cache.write(stored, 3600, undefined);
    expect(await hitsOf(cache, [sum, zero, none, missing, sum])).toEqual(stored);
    expect(await ask(server.port, ['GET', learnerKeyText(sum)])).toContain('{"s":18540,"d":"2026-01-10"}');
    expect(lines).toEqual([]);
  });

  test('are stored for the given time ±10%', async () => {
    const draws = [0, 0.999_999];
    const front = await frontOf(server.port);
    const { cache } = cacheAt(front.port, { random: () => draws.shift() ?? 0.5 });
    const keys = [newKey(), newKey(), newKey()];
    await cache.read(keys);
    await cache.write(new Map(keys.map((key) => [learnerKeyText(key), STORED])), 3600, undefined);
    const scripts = front.commands.filter(([name]) => name === 'evalsha');
    expect(scripts.map((words) => words[5])).toEqual(['3240', '3960', '3600']);
    const ttls = await Promise.all(keys.map((key) => ask(server.port, ['TTL', learnerKeyText(key)])));
    expect(ttls.map((reply) => Number(reply.slice(1)) / 3600)).toEqual([
      expect.closeTo(0.9, 1),
      expect.closeTo(1.1, 1),
      expect.closeTo(1, 1),
    ]);
  });

  test('that are unreadable are misses, with one warning for all', async () => {
    const { cache, lines } = cacheAt(server.port);
    const [good, damaged, foreign] = [newKey(), newKey(), newKey()];
    await store(cache, good);
    await ask(server.port, ['SET', learnerKeyText(damaged), '{"s":185']);
    await ask(server.port, ['SET', learnerKeyText(foreign), '18540']);
    expect([...(await hitsOf(cache, [damaged, good, foreign])).keys()]).toEqual([learnerKeyText(good)]);
    expect(lines).toEqual([
      { level: 'warn', message: 'cache.value_unreadable', fields: { values: 2, example: learnerKeyText(damaged) } },
    ]);
  });

  test('next to a refused command are still hits; the refusal is logged once', async () => {
    const { cache, lines } = cacheAt(server.port);
    const [good, refused] = [newKey(), newKey()];
    await store(cache, good);
    await ask(server.port, ['LPUSH', learnerKeyText(refused), 'a list, not a string']);
    for (let i = 0; i < 3; i += 1) expect((await hitsOf(cache, [refused, good])).size).toBe(1);
    expect(lines.map(({ message, fields }) => [message, fields.what])).toEqual([['cache.unavailable', 'read']]);
    expect(lines[0]?.fields.reason).toContain('WRONGTYPE');
  });

  test('for no keys need no connection', async () => {
    const { cache, lines } = cacheAt(await freePort());
    expect((await hitsOf(cache, [])).size).toBe(0);
    await cache.write(new Map(), 3600, undefined);
    expect(lines).toEqual([]);
  });
});

describe('outages', () => {
  test('a stopped server: no hits, one warning; once it is back, hits again', async () => {
    const front = await startValkeyFront(server.port);
    const { cache, lines, skip } = cacheAt(front.port);
    const key = newKey();
    await store(cache, key);
    await front.stop();
    for (let i = 0; i < 20; i += 1) {
      expect((await hitsOf(cache, [key])).size).toBe(0);
      skip(100);
    }
    await cache.write(new Map([[learnerKeyText(key), STORED]]), 3600, undefined);
    await until(() => lines.length > 0);
    expect(lines).toEqual([unavailable(expect.any(String))]);

    await frontOf(server.port, { port: front.port });
    skip(1_000);
    await store(cache, key);
    expect(lines.slice(1)).toEqual([{ level: 'info', message: 'cache.recovered', fields: { what: 'connection' } }]);
  });

  test('a host without an address: the warning names it', async () => {
    const { cache, lines } = cacheAt(await freePort(), { host: 'no-such-host.invalid' });
    await until(async () => (await hitsOf(cache, [newKey()])).size === 0 && lines.length > 0);
    expect(lines).toEqual([unavailable(expect.stringContaining('no-such-host.invalid'))]);
  });

  test('after a failed connect, lookups start another one at most once a second', async () => {
    let sockets = 0;
    const port = await rawServer((socket) => {
      sockets += 1;
      socket.destroy();
    });
    const { cache, lines, skip } = cacheAt(port, { frozen: true });
    await cache.read([newKey()]);
    await until(() => lines.length === 1);
    const perAttempt = sockets;
    expect(perAttempt).toBeGreaterThan(0);
    skip(999);
    for (let i = 0; i < 50; i += 1) await cache.read([newKey()]);
    // An attempt to connect would have reached the server by now.
    await ask(server.port, ['PING']);
    expect(sockets).toBe(perAttempt);
    skip(1);
    expect(await atOnce(cache.read([newKey()]))).toBe(true);
    await until(() => sockets > perAttempt);
  });

  test('a server that accepts and never responds: the first lookup waits for it, then none does', async () => {
    const { cache, lines, skip } = cacheAt(await rawServer(() => {}), { frozen: true, deadlines: SHORT });
    expect((await hitsOf(cache, [newKey()])).size).toBe(0);
    skip(SHORT.firstConnectionMs);
    expect(await atOnce(cache.read([newKey()]))).toBe(true);
    await cache.write(new Map([[learnerKeyText(newKey()), STORED]]), 3600, undefined);
    await until(() => lines.length > 0);
    expect(lines).toEqual([unavailable('no connection within 200 ms')]);
    skip(1_000);
    expect(await atOnce(cache.read([newKey()]))).toBe(true);
  });

  test('a server that hangs between two commands: one warning, then a fresh connection', async () => {
    const front = await frontOf(server.port);
    const { cache, lines, deadlines, skip } = cacheAt(front.port);
    const key = newKey();
    await store(cache, key);
    front.abandonSockets();
    deadlines.commandMs = SHORT.commandMs;
    expect((await hitsOf(cache, [key])).size).toBe(0);
    deadlines.commandMs = AMPLE.commandMs;
    skip(1_000);
    await until(async () => (await hitsOf(cache, [key])).size === 1);
    expect(lines).toEqual([
      // Less than the limit of 50 ms by what the call had taken before.
      unavailable(expect.stringMatching(/^no response within \d+ ms$/)),
      { level: 'info', message: 'cache.recovered', fields: { what: 'connection' } },
    ]);
  });

  test.each([false, true])('sockets that are reset are replaced (cluster: %s)', async (cluster) => {
    const front = await frontOf(server.port, { cluster });
    const { cache, skip } = cacheAt(front.port);
    const key = newKey();
    await store(cache, key);
    const before = front.commands.length;
    front.resetSockets();
    skip(1_000);
    await until(async () => (await hitsOf(cache, [key])).size === 1);
    expect(front.commands.slice(before).map(([name]) => name?.toUpperCase())).toContain('PING');
  });

  // In a separate process, because under jest the library does not recognize errors of sockets.
  test('a process with a cache that is down, reset or closed exits without output', async () => {
    const script = `
      import { createValkeyCache } from './lambdas/warehouse/cache.ts';
      import { startValkeyFront } from './test/support/valkey-front.ts';
      const log = { info() {}, warn() {}, error() {} };
      const key = { userId: '1', courseId: 'c', enterpriseId: 'e' };
      const down = createValkeyCache({ host: '127.0.0.1', port: ${await freePort()}, tls: false, log });
      down.connect();
      await down.read([key]);
      await down.read([key]);
      for (const cluster of [false, true]) {
        const front = await startValkeyFront(${server.port}, { cluster });
        const up = createValkeyCache({ host: '127.0.0.1', port: front.port, tls: false, log });
        await up.read([key]);
        front.resetSockets();
        await up.read([key]);
        await up.read([key]);
        await up.close();
        if ((await up.read([key])).hits.size > 0) throw new Error('a closed cache has no hits');
        await front.stop();
      }`;
    const flags = ['--disable-warning=ExperimentalWarning', '--input-type=module-typescript', '--eval', script];
    const { stdout, stderr } = await promisify(execFile)(process.execPath, flags, { timeout: 8_000 });
    expect(stdout + stderr).toBe('');
  });
});

describe('single server and cluster', () => {
  const namesOf = (front: ValkeyFront) =>
    front.commands.map(([name = '', argument = '']) =>
      /^(cluster|client)$/i.test(name) ? `${name} ${argument}`.toUpperCase() : name.toUpperCase(),
    );

  test('a server without cluster support is asked for its slots only once', async () => {
    const front = await frontOf(server.port);
    const { cache, skip } = cacheAt(front.port);
    const key = newKey();
    await store(cache, key);
    skip(20_001);
    expect((await hitsOf(cache, [key])).size).toBe(1);
    const names = namesOf(front);
    expect(names.filter((name) => name === 'CLUSTER SLOTS')).toHaveLength(1);
    expect(names.filter((name) => name === 'PING')).toHaveLength(2);
  });

  test('a cluster gets commands on one key each', async () => {
    const front = await frontOf(server.port, { cluster: true });
    const { cache, lines } = cacheAt(front.port);
    const keys = Array.from({ length: 50 }, newKey);
    await ask(server.port, ['SCRIPT', 'FLUSH']);
    await cache.read(keys);
    await cache.write(new Map(keys.map((key) => [learnerKeyText(key), STORED])), 3600, undefined);
    expect((await hitsOf(cache, keys)).size).toBe(50);
    expect(lines).toEqual([]);
    const data = front.commands.filter(([name = '']) => !/^(cluster|client|ping)$/i.test(name));
    // Of a script, its number of keys follows.
    const forms = new Set(data.map(([name, , keys]) => (name === 'get' ? name : `${name} ${keys}`)));
    expect(forms).toEqual(new Set(['get', 'evalsha 1', 'eval 1']));
    expect(namesOf(front)).toContain('CLUSTER SLOTS');
  });

  test('after a connection at cold start the first lookup waits only for its command', async () => {
    const front = await frontOf(server.port, { cluster: true });
    const { cache } = cacheAt(front.port);
    cache.connect();
    await until(() => namesOf(front).includes('PING'));
    const before = front.commands.length;
    await until(async () => {
      await cache.read([newKey()]);
      return front.commands.length > before;
    });
    expect(new Set(namesOf(front).slice(before))).toEqual(new Set(['GET']));
  });

  // A new cluster takes two seconds to become ready.
  (canRunCluster() ? test : test.skip)(
    'a real cluster (needs valkey-server or redis-server on PATH)',
    async () => {
      const cluster = await startValkey({ cluster: true });
      cleanups.push(() => cluster.stop());
      const { cache, lines, skip } = cacheAt(cluster.port);
      const keys = Array.from({ length: 50 }, newKey);
      await cache.read(keys);
      await cache.write(new Map(keys.map((key) => [learnerKeyText(key), STORED])), 3600, undefined);
      expect((await hitsOf(cache, keys)).size).toBe(50);
      skip(20_001);
      expect((await hitsOf(cache, keys)).size).toBe(50);
      expect(lines).toEqual([]);
    },
    15_000,
  );
});
