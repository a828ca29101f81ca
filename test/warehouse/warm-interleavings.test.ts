import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { createValkeyCache } from '../../lambdas/warehouse/cache.ts';
import { decodeLearningTime, encodeLearningTime } from '../../lambdas/warehouse/cached-learning-time.ts';
import { isOlder } from '../../lambdas/warehouse/change-token.ts';
import { type LearningTime, learnerKeyText } from '../../lambdas/warehouse/learning-time.ts';
import { encodeMarker, MARKER_KEY, WARM_ENTRY_SECONDS } from '../../lambdas/warehouse/warm-documents.ts';
import { createWarmStore } from '../../lambdas/warehouse/warm-store.ts';
import { ask } from '../../local/valkey/ask.ts';
import { type RunningValkey, startValkey } from '../../local/valkey/start-valkey.ts';
import { recordingLog } from '../support/recording-log.ts';

/**
 * Every order of the steps of two warm runs, two events and expiry, for one learner. The steps are those of the server: each
 * is one command on one key, so nothing comes between its parts. A lookup is two steps, since a cluster may execute its GETs
 * in any order. What a step does is asked of the product's code with a real Valkey, once for each state of the entry.
 */

/** Versions of the table's row, and the token of the change that made it. The row has version 1 at first. */
const TOKENS = { 1: '1768003200000000001', 2: '1768089600000000001' } as const;
type Run = keyof typeof TOKENS;
const TTL_SECONDS = 3_600;
const LONGEST_READ_THROUGH_SECONDS = 3_960;
const KEY = { userId: '1', courseId: 'course-v1:Org+Course+Run', enterpriseId: 'e0c1' };
const KEY_TEXT = learnerKeyText(KEY);

/** An answer says of which version it is, and how it was stored. */
const answerOf = (version: number, source: 'warmed' | 'read through'): LearningTime => ({
  found: true,
  totalSeconds: 10 * version + (source === 'warmed' ? 1 : 0),
  lastDate: '2026-01-10',
});
const versionOf = (learningTime: LearningTime) =>
  learningTime.found ? Math.floor(learningTime.totalSeconds / 10) : -1;

interface Event {
  /** Steps done of its lookup, and then of all: `query` is 2, `write` 3. 4 is the end. */
  readonly step: 0 | 1 | 2 | 3 | 4;
  readonly markerFirst: boolean;
  /** The run that was complete when the lookup began: 0 for none. */
  readonly completeAtStart: 0 | Run;
  readonly marker: 0 | Run;
  readonly entry: string;
  readonly warmed: string;
  readonly answer: number;
}

interface State {
  readonly version: Run;
  /** The entry's text, empty if there is none. */
  readonly entry: string;
  readonly marker: 0 | Run;
  /** Steps done: write, complete; and for the second run first the change of the table. */
  readonly runs: readonly [number, number];
  readonly events: readonly [Event, Event];
  /** Or was evicted. Once. */
  readonly hasExpired: boolean;
}

let server: RunningValkey;
let product: Awaited<ReturnType<typeof askProduct>>;
beforeAll(async () => {
  server = await startValkey();
  product = await askProduct(server.port);
});
afterAll(async () => {
  await product.close();
  await server.stop();
});

/** The product's steps, each on an entry with a given text. */
async function askProduct(port: number) {
  const at = { host: '127.0.0.1', port, tls: false, log: recordingLog() };
  const ample = { commandMs: 30_000, firstConnectionMs: 30_000, reconnectionMs: 30_000, connectMs: 30_000 };
  const cache = createValkeyCache({ ...at, random: () => 0.999_999, deadlines: ample });
  const store = createWarmStore({ ...at, maxEcpuPerSecond: 1_000_000, deadlines: ample });
  const set = (key: string, text: string) => ask(port, text === '' ? ['DEL', key] : ['SET', key, text]);
  const known = new Map<string, unknown>();
  const once = async <T>(name: string, work: () => Promise<T>): Promise<T> => {
    if (!known.has(name)) known.set(name, await work());
    return known.get(name) as T;
  };
  /** @returns the entry's text afterwards; checks the life of an entry that was stored */
  const changed = (name: string, entry: string, longestSeconds: number, work: () => Promise<unknown>) =>
    once(`${name} on ${entry}`, async () => {
      await set(KEY_TEXT, entry);
      await work();
      const after = (await ask(port, ['GET', KEY_TEXT])).split('\r\n')[1] ?? '';
      const ttl = Number((await ask(port, ['TTL', KEY_TEXT])).slice(1));
      // An entry that was kept still has no limit, as the test stored it.
      if (after !== entry || ttl !== -1) expect(Math.abs(longestSeconds - ttl)).toBeLessThan(60);
      return after;
    });
  return {
    lookup: (entry: string, marker: 0 | Run) =>
      once(`lookup of ${entry} with marker ${marker}`, async () => {
        await set(KEY_TEXT, entry);
        await set(MARKER_KEY, marker === 0 ? '' : markerText(marker));
        const { hits, warmed } = await cache.read([KEY]);
        return { hit: hits.get(KEY_TEXT), warmed };
      }),
    readThrough: (entry: string, version: number, warmed: string) =>
      changed(`version ${version} read through since ${warmed}`, entry, LONGEST_READ_THROUGH_SECONDS, () => {
        const answers = new Map([[KEY_TEXT, answerOf(version, 'read through')]]);
        return cache.write(answers, TTL_SECONDS, warmed === '' ? undefined : warmed);
      }),
    warm: (entry: string, run: Run) =>
      changed(`warm run ${run}`, entry, WARM_ENTRY_SECONDS, () =>
        store.write([{ key: KEY, learningTime: answerOf(run, 'warmed') }], TOKENS[run]),
      ),
    close: () => Promise.all([cache.close(), store.close()]),
  };
}

const markerText = (run: Run) =>
  encodeMarker({ token: TOKENS[run], selectionId: 's', rows: 1, completedAt: '2026-01-10T09:00:00Z' });

const tokenOf = (entry: string) => decodeLearningTime(entry)?.token;

/** Hits after a complete run; entries that were outdated; entries that an answer did not replace. */
const seen = { hits: 0, outdated: 0, kept: 0 };

async function eventStep(state: State, index: 0 | 1): Promise<State | undefined> {
  const event = state.events[index];
  const withEvent = (fields: Partial<Event>, others: Partial<State> = {}): State => {
    const events: [Event, Event] = [...state.events];
    events[index] = { ...event, ...fields };
    return { ...state, ...others, events };
  };
  if (event.step <= 1) {
    const readsMarker = (event.step === 0) === event.markerFirst;
    const start = event.step === 0 ? { completeAtStart: state.marker } : {};
    const read = readsMarker ? { marker: state.marker } : { entry: state.entry };
    const next = withEvent({ ...start, ...read, step: event.step === 0 ? 1 : 2 });
    if (event.step === 0) return next;
    const { entry, marker, completeAtStart } = next.events[index];
    const { hit, warmed = '' } = await product.lookup(entry, marker);
    if (hit === undefined) {
      if (entry !== '') seen.outdated += 1;
      return withEvent({ ...read, warmed, step: 2 });
    }
    if (marker !== 0) seen.hits += 1;
    // The rule: never older than the last complete run, whether it wrote this row or the row has disappeared.
    if (versionOf(hit) < completeAtStart) throw new Error(`version ${versionOf(hit)} after run ${completeAtStart}`);
    return withEvent({ ...read, step: 4 });
  }
  if (event.step === 2) return withEvent({ answer: state.version, step: 3 });
  if (event.step === 4) return undefined;
  const entry = await product.readThrough(state.entry, event.answer, event.warmed);
  if (isOlder(tokenOf(entry), tokenOf(state.entry))) throw new Error(`${entry} replaced ${state.entry}`);
  if (entry === state.entry) seen.kept += 1;
  return withEvent({ step: 4 }, { entry });
}

/** @param writes whether the row is in the result of the second run */
async function runStep({ runs, ...state }: State, run: Run, writes: boolean): Promise<State | undefined> {
  const [first, second] = runs;
  if (run === 1) {
    if (first === 0) return { ...state, entry: await product.warm(state.entry, 1), runs: [1, second] };
    // A run may still write when the next one is complete, but not end: there is one at a time.
    return first === 1 && second < 3 ? { ...state, marker: 1, runs: [2, second] } : undefined;
  }
  if (second === 0) return { ...state, version: 2, runs: [first, 1] };
  if (second === 1) {
    const entry = writes ? await product.warm(state.entry, 2) : state.entry;
    return { ...state, entry, runs: [first, 2] };
  }
  return second === 2 ? { ...state, marker: 2, runs: [first, 3] } : undefined;
}

/** All states that follow a state by one step. */
async function following(state: State, writes: boolean): Promise<State[]> {
  const expiry = state.entry !== '' && !state.hasExpired ? { ...state, entry: '', hasExpired: true } : undefined;
  const all = [
    await eventStep(state, 0),
    await eventStep(state, 1),
    await runStep(state, 1, writes),
    await runStep(state, 2, writes),
    expiry,
  ];
  return all.filter((next) => next !== undefined);
}

const NEW_EVENT: Event = {
  ...{ step: 0, markerFirst: true, completeAtStart: 0, marker: 0, entry: '', warmed: '', answer: 0 },
};
const OF_EARLIER_VERSION = encodeLearningTime(answerOf(0, 'read through'));

test.each(
  [true, false].flatMap((writes) =>
    [true, false].flatMap((markerFirst) => ['', OF_EARLIER_VERSION].map((entry) => ({ writes, markerFirst, entry }))),
  ),
)('no event gets an older answer than the last complete run’s: %j', async ({ writes, markerFirst, entry }) => {
  Object.assign(seen, { hits: 0, outdated: 0, kept: 0 });
  const event = { ...NEW_EVENT, markerFirst };
  const start: State = { version: 1, entry, marker: 0, runs: [0, 0], events: [event, event], hasExpired: false };
  const known = new Set([JSON.stringify(start)]);
  for (let states = [start]; states.length > 0; ) {
    const next: State[] = [];
    for (const state of states) {
      for (const one of await following(state, writes)) {
        const name = JSON.stringify(one);
        if (known.has(name)) continue;
        known.add(name);
        next.push(one);
      }
    }
    states = next;
  }
  // The rules were needed, and so was each of their outcomes.
  expect(Math.min(seen.hits, seen.outdated, seen.kept)).toBeGreaterThan(50);
});
