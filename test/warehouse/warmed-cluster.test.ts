import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { createValkeyCache } from '../../lambdas/warehouse/cache.ts';
import { learnerKeyText } from '../../lambdas/warehouse/learning-time.ts';
import { encodeMarker, MARKER_KEY } from '../../lambdas/warehouse/warm-documents.ts';
import { createWarmStore } from '../../lambdas/warehouse/warm-store.ts';
import type { WarmEntry } from '../../lambdas/warehouse/warming.ts';
import { ask } from '../../local/valkey/ask.ts';
import { canRunCluster, type RunningValkey, startValkey } from '../../local/valkey/start-valkey.ts';
import { closedAfterEach } from '../support/closed-after-each.ts';
import { recordingLog } from '../support/recording-log.ts';

const [EARLIER, TOKEN, LATER] = ['1768003200000000000', '1768089600000000000', '1768176000000000000'] as const;
/** Longer than a test. */
const AMPLE = { commandMs: 30_000, firstConnectionMs: 30_000, reconnectionMs: 30_000, connectMs: 30_000 };

const entries = Array.from(
  { length: 500 },
  (_, index): WarmEntry => ({
    key: { userId: `${index + 1}`, courseId: 'course-v1:Org+Course+Run', enterpriseId: 'e0c1' },
    learningTime: { found: true, totalSeconds: index, lastDate: '2026-01-10' },
  }),
);
const keys = entries.map(({ key }) => key);
const learningTimes = new Map(entries.map(({ key, learningTime }) => [learnerKeyText(key), learningTime]));

(canRunCluster() ? describe : describe.skip)('a real cluster (needs valkey-server or redis-server on PATH)', () => {
  let cluster: RunningValkey;
  // A new cluster takes two seconds to become ready.
  beforeAll(async () => {
    cluster = await startValkey({ cluster: true });
  }, 15_000);
  afterAll(() => cluster.stop());
  beforeEach(() => ask(cluster.port, ['FLUSHALL']));
  const closing = closedAfterEach();

  async function open() {
    const log = recordingLog();
    const at = { host: '127.0.0.1', port: cluster.port, tls: false, log, deadlines: AMPLE };
    const store = await closing(createWarmStore({ ...at, maxEcpuPerSecond: 15_000_000 }));
    return { store, cache: await closing(createValkeyCache(at)), lines: log.lines };
  }
  const setMarker = (token: string) => {
    const marker = { token, selectionId: 's', rows: entries.length, completedAt: '2026-01-10T09:00:00Z' };
    return ask(cluster.port, ['SET', MARKER_KEY, encodeMarker(marker)]);
  };

  test('has the entries of a write in all its slots, with their life', async () => {
    const { store, lines } = await open();
    await store.write(entries, TOKEN);
    expect(await store.readMarker()).toBeUndefined();
    expect(await ask(cluster.port, ['DBSIZE'])).toBe(`:${entries.length}`);
    const ttls = await Promise.all(keys.slice(0, 20).map((key) => ask(cluster.port, ['TTL', learnerKeyText(key)])));
    for (const ttl of ttls) expect(Number(ttl.slice(1)) / 3_600).toBeCloseTo(50, 1);
    expect(lines).toEqual([]);
  });

  test('has hits until the marker of a later run, and then of the answers since', async () => {
    const { store, cache, lines } = await open();
    await store.write(entries, TOKEN);
    await setMarker(TOKEN);
    expect(await cache.read(keys)).toEqual({ hits: learningTimes, warmed: TOKEN });
    await setMarker(LATER);
    const { hits, warmed } = await cache.read(keys);
    expect([hits.size, warmed]).toEqual([0, LATER]);
    await cache.write(learningTimes, 3_600, warmed);
    expect((await cache.read(keys)).hits.size).toBe(entries.length);
    expect(lines).toEqual([]);
  });

  test('keeps its entries from answers of before the run', async () => {
    const { store, cache, lines } = await open();
    await store.write(entries, TOKEN);
    const zero = new Map([...learningTimes.keys()].map((key) => [key, { found: false } as const]));
    await cache.write(zero, 3_600, EARLIER);
    await cache.write(zero, 3_600, undefined);
    expect((await cache.read(keys)).hits).toEqual(learningTimes);
    expect(lines).toEqual([]);
  });
});
