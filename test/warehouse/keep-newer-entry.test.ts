import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { clientOpener, disconnect, type ValkeyClient } from '../../lambdas/valkey/client.ts';
import { encodeLearningTime } from '../../lambdas/warehouse/cached-learning-time.ts';
import { storeUnlessNewer } from '../../lambdas/warehouse/keep-newer-entry.ts';
import type { LearningTime } from '../../lambdas/warehouse/learning-time.ts';
import { type RunningValkey, startValkey } from '../../local/valkey/start-valkey.ts';

const [OLD, TOKEN, NEW] = ['1768003199999999999', '1768003200000000000', '1768003200000000001'] as const;
const FOUND: LearningTime = { found: true, totalSeconds: 18_540, lastDate: '2026-01-10' };
const OURS: LearningTime = { found: true, totalSeconds: 1, lastDate: '2026-01-11' };
const KEY = 'learning_time:1:course-v1:Org+Course+Run:e0c1';

let server: RunningValkey;
let client: ValkeyClient;
beforeAll(async () => {
  server = await startValkey();
  client = await clientOpener({ host: '127.0.0.1', port: server.port, tls: false })(30_000);
});
afterAll(async () => {
  disconnect(client);
  await server.stop();
});
beforeEach(() => client.del(KEY));

/** Stores our answer, for 60 s. */
const store = (token: string | undefined) => storeUnlessNewer(client, KEY, encodeLearningTime(OURS, token), 60, token);

test.each<[string, string | undefined, string]>([
  ['an entry without a token', undefined, encodeLearningTime(FOUND)],
  ['an entry without a token, by an answer with one', TOKEN, encodeLearningTime(FOUND)],
  ['an older entry', TOKEN, encodeLearningTime(FOUND, OLD)],
  ['an older entry with fewer digits', TOKEN, encodeLearningTime(FOUND, '999999999999999999')],
  ['an older entry without data', TOKEN, encodeLearningTime({ found: false }, OLD)],
  ['a text that is no entry', TOKEN, '{"s":1,"t":"9768003200000000000"}'],
  ['a text that starts as an entry', TOKEN, `${encodeLearningTime(FOUND, NEW)} `],
  ['a token that is too long', TOKEN, encodeLearningTime(FOUND, '17680032000000000000')],
  ['a token that starts with 0', TOKEN, encodeLearningTime(FOUND, '0768003200000000001')],
])('replaces %s (token %s, entry %s)', async (_what, token, text) => {
  await client.set(KEY, text);
  expect(await store(token)).toBe(1);
  expect(await client.get(KEY)).toBe(encodeLearningTime(OURS, token));
  expect(await client.ttl(KEY)).toBeGreaterThan(50);
});

test.each<[string, string | undefined, string]>([
  ['a newer entry', TOKEN, encodeLearningTime(FOUND, NEW)],
  ['a newer entry with more digits', '999999999999999999', encodeLearningTime(FOUND, TOKEN)],
  ['a newer entry without data', TOKEN, encodeLearningTime({ found: false }, NEW)],
  ['an entry with a token, by an answer without', undefined, encodeLearningTime(FOUND, '1')],
  ['an entry of the same change, which may live longer', TOKEN, encodeLearningTime(FOUND, TOKEN)],
])('keeps %s, and its life (token %s, entry %s)', async (_what, token, text) => {
  await client.set(KEY, text, 'EX', 180_000);
  expect(await store(token)).toBe(0);
  expect(await client.get(KEY)).toBe(text);
  expect(await client.ttl(KEY)).toBeGreaterThan(179_000);
});

test('stores an entry where there is none, and over a value of another type', async () => {
  expect(await store(TOKEN)).toBe(1);
  await client.del(KEY);
  await client.lpush(KEY, 'a list');
  expect(await store(undefined)).toBe(1);
  expect(await client.get(KEY)).toBe(encodeLearningTime(OURS));
  expect(await client.ttl(KEY)).toBeGreaterThan(50);
});
