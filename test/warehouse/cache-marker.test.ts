import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { createValkeyCache } from '../../lambdas/warehouse/cache.ts';
import { encodeLearningTime } from '../../lambdas/warehouse/cached-learning-time.ts';
import { type LearnerKey, type LearningTime, learnerKeyText } from '../../lambdas/warehouse/learning-time.ts';
import { encodeMarker, MARKER_KEY } from '../../lambdas/warehouse/warm-documents.ts';
import { ask } from '../../local/valkey/ask.ts';
import { type RunningValkey, startValkey } from '../../local/valkey/start-valkey.ts';
import { closedAfterEach } from '../support/closed-after-each.ts';
import { recordingLog } from '../support/recording-log.ts';
import { startValkeyFront } from '../support/valkey-front.ts';

/** How lookups use the marker of the last complete warm run. */

const [OLD, TOKEN, NEW] = ['1768003199999999999', '1768003200000000000', '1768003200000000001'] as const;
const STORED: LearningTime = { found: true, totalSeconds: 18_540, lastDate: '2026-01-10' };
/** Longer than a test. */
const AMPLE = { commandMs: 30_000, firstConnectionMs: 30_000, reconnectionMs: 30_000, connectMs: 30_000 };

let server: RunningValkey;
beforeAll(async () => {
  server = await startValkey();
});
afterAll(() => server.stop());
beforeEach(() => ask(server.port, ['FLUSHALL']));
const closing = closedAfterEach();

async function cacheAt(port: number) {
  const log = recordingLog();
  const cache = createValkeyCache({ host: '127.0.0.1', port, tls: false, log, deadlines: AMPLE });
  return { cache: await closing(cache), lines: log.lines };
}

const keyOf = (userId: string): LearnerKey => ({ userId, courseId: 'course-v1:Org+Course+Run', enterpriseId: 'e0c1' });
const store = (key: LearnerKey, token?: string) =>
  ask(server.port, ['SET', learnerKeyText(key), encodeLearningTime(STORED, token)]);
const markerOf = (token: string) =>
  encodeMarker({ token, selectionId: 's', rows: 1, completedAt: '2026-01-10T09:00:00Z' });
const setMarker = (text: string) => ask(server.port, ['SET', MARKER_KEY, text]);

test('an entry with an older token or none is a miss; with the same or a newer one it is a hit', async () => {
  const { cache, lines } = await cacheAt(server.port);
  const keys = ['none', 'old', 'same', 'newer'].map(keyOf);
  const [none, old, same, newer] = keys as [LearnerKey, LearnerKey, LearnerKey, LearnerKey];
  await Promise.all([store(none), store(old, OLD), store(same, TOKEN), store(newer, NEW)]);
  await setMarker(markerOf(TOKEN));
  const { hits, warmed } = await cache.read(keys);
  expect(hits).toEqual(new Map([same, newer].map((key) => [learnerKeyText(key), STORED])));
  expect(warmed).toBe(TOKEN);
  expect(lines).toEqual([]);
});

test('without a marker all entries are hits', async () => {
  const { cache } = await cacheAt(server.port);
  await Promise.all([store(keyOf('none')), store(keyOf('old'), OLD)]);
  const { hits, warmed } = await cache.read([keyOf('none'), keyOf('old')]);
  expect(hits.size).toBe(2);
  expect(warmed).toBeUndefined();
});

test('a marker that changes, or is gone, counts from the next lookup', async () => {
  const { cache } = await cacheAt(server.port);
  await store(keyOf('old'), OLD);
  const isHit = async () => (await cache.read([keyOf('old')])).hits.size === 1;
  await setMarker(markerOf(OLD));
  expect(await isHit()).toBe(true);
  await setMarker(markerOf(TOKEN));
  expect(await isHit()).toBe(false);
  await ask(server.port, ['DEL', MARKER_KEY]);
  expect(await isHit()).toBe(true);
});

test('the marker is read with the entries, in one round trip', async () => {
  const front = await startValkeyFront(server.port);
  await closing({ close: () => front.stop() });
  const { cache } = await cacheAt(front.port);
  await cache.read([keyOf('1')]);
  const before = front.commands.length;
  await cache.read([keyOf('1'), keyOf('2')]);
  expect(front.commands.slice(before)).toEqual([
    ['get', MARKER_KEY],
    ['get', learnerKeyText(keyOf('1'))],
    ['get', learnerKeyText(keyOf('2'))],
  ]);
});

test.each(['', '{}', 'x', markerOf('1').replace('"1"', '1'), '{"token":"-1"}', '[]'])(
  'an unreadable marker (%s) counts as none, with one warning while it is there',
  async (text) => {
    const { cache, lines } = await cacheAt(server.port);
    await store(keyOf('old'), OLD);
    await setMarker(text);
    for (let i = 0; i < 3; i += 1) {
      const { hits, warmed } = await cache.read([keyOf('old')]);
      expect([hits.size, warmed]).toEqual([1, undefined]);
    }
    const warning = {
      level: 'warn',
      message: 'cache.marker_unreadable',
      fields: { effect: 'warmed entries are used as long as they live' },
    };
    expect(lines).toEqual([warning]);
    await setMarker(markerOf(TOKEN));
    expect((await cache.read([keyOf('old')])).hits.size).toBe(0);
    expect(lines).toEqual([warning]);
  },
);

test('a marker of another type counts as none, with one warning', async () => {
  const { cache, lines } = await cacheAt(server.port);
  await store(keyOf('old'), OLD);
  await ask(server.port, ['LPUSH', MARKER_KEY, 'a list']);
  for (let i = 0; i < 3; i += 1) expect((await cache.read([keyOf('old')])).hits.size).toBe(1);
  expect(lines.map(({ message, fields }) => [message, fields.what])).toEqual([['cache.unavailable', 'read']]);
});

test('an answer that was read through is a hit until the next run is complete', async () => {
  const { cache } = await cacheAt(server.port);
  await setMarker(markerOf(TOKEN));
  const { warmed } = await cache.read([keyOf('1')]);
  await cache.write(new Map([[learnerKeyText(keyOf('1')), STORED]]), 3600, warmed);
  expect((await cache.read([keyOf('1')])).hits.size).toBe(1);
  await setMarker(markerOf(NEW));
  expect((await cache.read([keyOf('1')])).hits.size).toBe(0);
});
