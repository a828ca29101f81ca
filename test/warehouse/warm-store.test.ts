import { setImmediate } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { encodeLearningTime } from '../../lambdas/warehouse/cached-learning-time.ts';
import { learnerKeyText } from '../../lambdas/warehouse/learning-time.ts';
import { MARKER_KEY, PROGRESS_KEY } from '../../lambdas/warehouse/warm-documents.ts';
import { createWarmStore, PIPELINE_BYTES, PIPELINE_COMMANDS } from '../../lambdas/warehouse/warm-store.ts';
import type { WarmEntry, WarmMarker, WarmProgress } from '../../lambdas/warehouse/warming.ts';
import { ask } from '../../local/valkey/ask.ts';
import { freePort, type RunningValkey, startValkey } from '../../local/valkey/start-valkey.ts';
import { recordingLog } from '../support/recording-log.ts';
import { startValkeyFront } from '../support/valkey-front.ts';

/** Longer than a test. */
const AMPLE = { commandMs: 30_000, firstConnectionMs: 30_000, reconnectionMs: 30_000, connectMs: 30_000 };
const TOKEN = '1768003200000000001';
const MARKER: WarmMarker = { token: TOKEN, selectionId: 'a3f1', rows: 3, completedAt: '2026-01-10T09:15:00.000Z' };
const PROGRESS: WarmProgress = {
  ...{ token: TOKEN, selectionId: 'a3f1', queryId: '01b2c3d4-0000-1111-0000-222233334444' },
  ...{ totalRows: 3, confirmedRows: 2, unreadableRows: 1, startedAt: '2026-01-10T09:00:00.000Z' },
  isShrinkAccepted: false,
};

let server: RunningValkey;
beforeAll(async () => {
  server = await startValkey();
});
afterAll(() => server.stop());
beforeEach(() => ask(server.port, ['FLUSHALL']));

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

/** A store with its log and its waits. Its clock moves by its waits only. */
function storeAt(port: number, { maxEcpuPerSecond = 5_000, commandMs = AMPLE.commandMs } = {}) {
  const log = recordingLog();
  const waits: number[] = [];
  let nowMs = 0;
  const deadlines = { ...AMPLE, commandMs };
  const store = createWarmStore({
    ...{ host: '127.0.0.1', port, tls: false, log, maxEcpuPerSecond, deadlines },
    monotonicMs: () => nowMs,
    async sleep(ms) {
      waits.push(ms);
      nowMs += ms;
    },
  });
  cleanups.push(() => store.close());
  return { store, waits, lines: log.lines, deadlines };
}

async function frontOf(port: number, options: { cluster?: boolean } = {}) {
  const front = await startValkeyFront(port, options);
  cleanups.push(() => front.stop());
  return front;
}

const courseOf = (bytes: number) => 'c'.repeat(bytes);
function entriesOf(count: number, courseId = 'course-v1:Org+Course+Run'): WarmEntry[] {
  return Array.from({ length: count }, (_, index) => ({
    key: { userId: `${index + 1}`, courseId, enterpriseId: 'e0c1' },
    learningTime: { found: true, totalSeconds: index, lastDate: '2026-01-10' },
  }));
}

async function expectTtl(key: string, hours: number): Promise<void> {
  const seconds = Number((await ask(server.port, ['TTL', key])).slice(1));
  expect(seconds / 3_600).toBeCloseTo(hours, 1);
}

describe('entries', () => {
  test('hold the token and live for 50 hours', async () => {
    const { store, lines } = storeAt(server.port);
    const entries: WarmEntry[] = [
      ...entriesOf(2),
      { key: { userId: '9', courseId: 'c', enterpriseId: 'e0c1' }, learningTime: { found: false } },
    ];
    await store.write(entries, TOKEN);
    for (const { key, learningTime } of entries) {
      const text = encodeLearningTime(learningTime, TOKEN);
      expect(await ask(server.port, ['GET', learnerKeyText(key)])).toBe(`$${text.length}\r\n${text}`);
      await expectTtl(learnerKeyText(key), 50);
    }
    expect(lines).toEqual([]);
  });

  test('replace what is there, and are all stored when the write resolves', async () => {
    const { store } = storeAt(server.port);
    await store.write(entriesOf(1_001), TOKEN);
    await store.write(entriesOf(1_001), `${BigInt(TOKEN) + 1n}`);
    expect(await ask(server.port, ['DBSIZE'])).toBe(':1001');
    const [{ key } = { key: undefined }] = entriesOf(1);
    expect(await ask(server.port, ['GET', key ? learnerKeyText(key) : ''])).toContain(`${BigInt(TOKEN) + 1n}`);
  });

  test('none: no connection is needed', async () => {
    const { store } = storeAt(await freePort());
    await expect(store.write([], TOKEN)).resolves.toBeUndefined();
  });

  test('are sent to a cluster with one key for each command', async () => {
    const front = await frontOf(server.port, { cluster: true });
    const { store } = storeAt(front.port);
    await store.writeProgress(PROGRESS);
    await store.write(entriesOf(500), TOKEN);
    await store.complete(MARKER);
    expect(await store.readMarker()).toEqual(MARKER);
    expect(await ask(server.port, ['DBSIZE'])).toBe(':501');
  });
});

describe('the pipelines of a write', () => {
  /** The number of commands and bytes of each pipeline, and of those that had no response when the next one was due. */
  async function pipelinesOf(entries: readonly WarmEntry[]) {
    const front = await frontOf(server.port);
    const log = recordingLog();
    const sent: number[] = [];
    let unanswered = 0;
    const store = createWarmStore({
      ...{ host: '127.0.0.1', port: front.port, tls: false, log, maxEcpuPerSecond: 1_000, deadlines: AMPLE },
      async sleep() {
        sent.push(front.commands.filter(([name]) => name === 'set').length);
        unanswered = Math.max(unanswered, front.unanswered);
      },
    });
    cleanups.push(() => store.close());
    await store.write(entries, TOKEN);
    const sets = front.commands.filter(([name]) => name === 'set');
    const pipelines = [...sent, sets.length].slice(1).map((end, index) => sets.slice(sent[index], end));
    const bytes = ([, key = '', text = '']: readonly string[]) => Buffer.byteLength(key + text);
    return {
      unanswered,
      commands: pipelines.map((pipeline) => pipeline.length),
      bytes: pipelines.map((pipeline) => pipeline.reduce((sum, words) => sum + bytes(words), 0)),
    };
  }

  test('have at most 200 commands, and each follows the responses to the one before', async () => {
    const { commands, unanswered } = await pipelinesOf(entriesOf(450));
    expect(PIPELINE_COMMANDS).toBe(200);
    expect(commands).toEqual([200, 200, 50]);
    expect(unanswered).toBe(0);
  });

  test('have at most 64 KB of keys and texts, unless one entry is larger', async () => {
    const { commands, bytes } = await pipelinesOf(entriesOf(9, courseOf(20_000)));
    expect(commands).toEqual([3, 3, 3]);
    expect(Math.max(...bytes)).toBeLessThanOrEqual(PIPELINE_BYTES);
    expect((await pipelinesOf(entriesOf(2, courseOf(70_000)))).commands).toEqual([1, 1]);
  });

  test('are spread over time at half of the ECPUs, more for entries of several KB', async () => {
    const { store, waits } = storeAt(server.port, { maxEcpuPerSecond: 5_000 });
    await store.write(entriesOf(600), TOKEN);
    await store.write(entriesOf(1), TOKEN);
    expect(waits).toEqual([0, 80, 80, 80]);
    const large = storeAt(server.port, { maxEcpuPerSecond: 1_000 });
    await large.store.write(entriesOf(3, courseOf(40_000)), TOKEN);
    expect(large.waits).toEqual([0, 80, 80]);
  });
});

describe('marker and progress', () => {
  test('are none at first, and then what was stored', async () => {
    const { store } = storeAt(server.port);
    expect([await store.readMarker(), await store.readProgress()]).toEqual([undefined, undefined]);
    await store.writeProgress(PROGRESS);
    expect(await store.readProgress()).toEqual(PROGRESS);
    const further = { ...PROGRESS, confirmedRows: 3, isShrinkAccepted: true };
    expect(await store.advanceProgress(further)).toBe(true);
    expect(await store.readProgress()).toEqual(further);
    await expectTtl(PROGRESS_KEY, 24);
    expect(await store.complete(MARKER)).toBe(true);
    expect([await store.readMarker(), await store.readProgress()]).toEqual([MARKER, undefined]);
  });

  test('a Valkey that was emptied gets neither a later progress nor a marker', async () => {
    const { store } = storeAt(server.port);
    await store.writeProgress(PROGRESS);
    await ask(server.port, ['FLUSHALL']);
    expect(await store.advanceProgress(PROGRESS)).toBe(false);
    expect(await store.complete(MARKER)).toBe(false);
    expect(await ask(server.port, ['DBSIZE'])).toBe(':0');
  });

  test('of two runs at the same time, the second one to end leaves the marker of the first', async () => {
    const { store } = storeAt(server.port);
    await store.writeProgress(PROGRESS);
    expect(await store.complete(MARKER)).toBe(true);
    const second = { ...MARKER, token: `${BigInt(TOKEN) - 1n}`, completedAt: '2026-01-10T09:16:00.000Z' };
    expect(await store.complete(second)).toBe(false);
    expect(await store.readMarker()).toEqual(MARKER);
    await expectTtl(MARKER_KEY, 51);
  });

  test('live for 51 hours, longer than any entry that the marker outdates, and for 24 hours', async () => {
    const { store } = storeAt(server.port);
    await store.writeProgress(PROGRESS);
    await store.complete(MARKER);
    await store.writeProgress(PROGRESS);
    await expectTtl(MARKER_KEY, 51);
    await expectTtl(PROGRESS_KEY, 24);
  });

  test('the progress is removed only when the marker is stored', async () => {
    const front = await frontOf(server.port);
    const { store } = storeAt(front.port);
    await store.writeProgress(PROGRESS);
    await ask(server.port, ['CONFIG', 'SET', 'maxmemory', '1']);
    cleanups.push(() => ask(server.port, ['CONFIG', 'SET', 'maxmemory', '0']));
    await expect(store.complete(MARKER)).rejects.toThrow('full');
    expect(await store.readProgress()).toEqual(PROGRESS);
    const stored = front.commands.map(([name, key]) => `${name} ${key}`);
    expect(stored).toContain(`set ${MARKER_KEY}`);
    expect(stored).not.toContain(`del ${PROGRESS_KEY}`);
  });

  test.each(['', 'null', '{"token":1}', '<html>'])(
    'with the text %s count as none, with a warning without it',
    async (text) => {
      const { store, lines } = storeAt(server.port);
      await ask(server.port, ['SET', MARKER_KEY, text]);
      await ask(server.port, ['SET', PROGRESS_KEY, text]);
      expect([await store.readMarker(), await store.readProgress()]).toEqual([undefined, undefined]);
      const warning = (what: string) => ({
        level: 'warn',
        message: 'warm.document_unreadable',
        fields: { what, effect: 'as if there were none' },
      });
      expect(lines).toEqual([warning('marker'), warning('progress')]);
    },
  );
});

describe('CacheUnavailable names the kind of failure, and no data', () => {
  const unavailable = (message: unknown) => expect.objectContaining({ name: 'CacheUnavailable', message });

  test('down: nothing listens', async () => {
    const port = await freePort();
    const { store } = storeAt(port);
    await expect(store.readMarker()).rejects.toEqual(
      unavailable(`Valkey is down: connect ECONNREFUSED 127.0.0.1:${port}`),
    );
    await expect(store.write(entriesOf(1), TOKEN)).rejects.toThrow('Valkey is down: ');
  });

  test('down: the connection is lost between two pipelines; entries that were confirmed stay', async () => {
    const front = await frontOf(server.port);
    const { store } = storeAt(front.port);
    await store.write(entriesOf(10), TOKEN);
    await front.stop();
    await expect(store.write(entriesOf(20), TOKEN)).rejects.toThrow('Valkey is down: ');
    expect(await ask(server.port, ['DBSIZE'])).toBe(':10');
  });

  test('slow: no response within the limit', async () => {
    const front = await frontOf(server.port);
    const { store, deadlines } = storeAt(front.port);
    await store.readMarker();
    front.abandonSockets();
    deadlines.commandMs = 20;
    await expect(store.write(entriesOf(3), TOKEN)).rejects.toEqual(
      unavailable(expect.stringMatching(/^Valkey is slow: no response within \d+ ms$/)),
    );
  });

  test('full: entries that were confirmed stay', async () => {
    const { store } = storeAt(server.port);
    await store.write(entriesOf(10), TOKEN);
    await ask(server.port, ['CONFIG', 'SET', 'maxmemory', '1']);
    cleanups.push(() => ask(server.port, ['CONFIG', 'SET', 'maxmemory', '0']));
    await expect(store.write(entriesOf(20), TOKEN)).rejects.toEqual(unavailable('Valkey is full: OOM'));
    await expect(store.writeProgress(PROGRESS)).rejects.toEqual(unavailable('Valkey is full: OOM'));
    expect(await ask(server.port, ['DBSIZE'])).toBe(':10');
  });

  test('refused: with the code of the reply only', async () => {
    const { store } = storeAt(server.port);
    await ask(server.port, ['LPUSH', MARKER_KEY, 'a list']);
    await expect(store.readMarker()).rejects.toEqual(unavailable('Valkey refused a command: WRONGTYPE'));
  });

  test('a closed store is down, immediately', async () => {
    const { store } = storeAt(server.port);
    await store.readMarker();
    await store.close();
    const read = store.readMarker().catch((thrown: Error) => thrown.name);
    expect(await Promise.race([read, setImmediate('later')])).toBe('CacheUnavailable');
  });
});
