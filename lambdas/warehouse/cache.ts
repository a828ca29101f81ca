import { jittered } from '../events/retry-timing.ts';
import { IO_DEADLINES, type IoDeadlines } from '../shared/io-deadlines.ts';
import type { Log } from '../shared/log.ts';
import { clientOpener, type ValkeyAddress, type ValkeyClient } from '../valkey/client.ts';
import { ValkeyConnection } from '../valkey/connection.ts';
import { type Outcome, reasonOf } from '../valkey/outcomes.ts';
import { decodeLearningTime, encodeLearningTime } from './cached-learning-time.ts';
import { type ChangeToken, isOlder } from './change-token.ts';
import { storeUnlessNewer } from './keep-newer-entry.ts';
import { type CacheLookup, type LearningTime, type LearningTimeCache, learnerKeyText } from './learning-time.ts';
import { decodeMarker, MARKER_KEY } from './warm-documents.ts';

export interface ValkeyCacheOptions extends ValkeyAddress {
  readonly log: Log;
  /** From 0 up to, but without, 1. */
  readonly random?: () => number;
  /** The wall clock, in milliseconds. */
  readonly now?: () => number;
  readonly deadlines?: IoDeadlines['valkey'];
}

export interface ValkeyCache extends LearningTimeCache {
  /** Starts connecting in the background, during a cold start. */
  connect(): void;
  /** Closes the connection permanently, within 200 ms. Afterwards there are no hits and nothing is stored. */
  close(): Promise<void>;
}

/**
 * Creates the cache of learning times in Valkey: ElastiCache Serverless, or any server with its protocol.
 *
 * Every command has one key, since a cluster refuses MGET and scripts over several slots. All commands are written in one
 * tick, so that a batch takes one round trip. Nothing throws: a cache that is down has no hits.
 *
 * A lookup also reads the marker of the last complete warm run. An entry that is older than the marker is a miss. So a row that
 * disappeared from the table is gone when the run is complete, without a list of keys, and Valkey expires the entry later.
 */
export function createValkeyCache(options: ValkeyCacheOptions): ValkeyCache {
  const { log, random = Math.random, now = Date.now, deadlines = IO_DEADLINES.valkey } = options;
  const outages = new Outages(log);
  const marker = new MarkerReader(log);
  const connection = new ValkeyConnection(
    clientOpener(options),
    (reason) => outages.began('connection', reason),
    now,
    deadlines,
  );

  async function run<T>(kind: 'read' | 'write', send: (client: ValkeyClient) => Promise<T>[], limitMs?: number) {
    const outcomes = await connection.run(send, limitMs);
    if (outcomes.length === 0) return outcomes;
    const lost = outcomes.find((outcome) => 'lost' in outcome);
    const refusal = outcomes.find((outcome) => 'refused' in outcome);
    if (lost) outages.began('connection', reasonOf(lost.lost));
    else outages.ended('connection');
    if (refusal) outages.began(kind, reasonOf(refusal.refused));
    else if (!lost) outages.ended(kind);
    return outcomes;
  }

  return {
    async read(keys) {
      const texts = [...new Set(keys.map(learnerKeyText))];
      if (texts.length === 0) return NOTHING;
      const [ofMarker, ...outcomes] = await run('read', (client) =>
        [MARKER_KEY, ...texts].map((text) => client.get(text)),
      );
      // Without the marker it is not known which entries are outdated.
      if (ofMarker === undefined || 'lost' in ofMarker) return NOTHING;
      const warmed = marker.tokenIn('value' in ofMarker ? ofMarker.value : null);
      return { hits: hitsAmong(texts, outcomes, warmed, log), warmed };
    },
    async write(learningTimes, ttlSeconds, warmed) {
      if (learningTimes.size === 0) return;
      const send = (client: ValkeyClient) =>
        // With jitter, entries that were stored together do not expire together.
        [...learningTimes].map(([text, one]) =>
          storeUnlessNewer(client, text, encodeLearningTime(one, warmed), jittered(ttlSeconds, random), warmed),
        );
      await run('write', send, deadlines.commandMs);
    },
    connect: () => connection.connect(),
    close: () => connection.close(),
  };
}

const NOTHING: CacheLookup = { hits: new Map(), warmed: undefined };

/** @param warmed entries with an older token are misses */
function hitsAmong(
  texts: readonly string[],
  outcomes: readonly Outcome<string | null>[],
  warmed: ChangeToken | undefined,
  log: Log,
): ReadonlyMap<string, LearningTime> {
  const hits = new Map<string, LearningTime>();
  const unreadable: string[] = [];
  outcomes.forEach((outcome, position) => {
    const text = texts[position];
    if (text === undefined || !('value' in outcome) || outcome.value === null) return;
    const entry = decodeLearningTime(outcome.value);
    if (entry === undefined) unreadable.push(text);
    else if (!isOlder(entry.token, warmed)) hits.set(text, entry.learningTime);
  });
  // One line for all: after a rollback all values may be of another version.
  if (unreadable.length > 0) log.warn('cache.value_unreadable', { values: unreadable.length, example: unreadable[0] });
  return hits;
}

/** Reads the marker's token. Decodes a text once, since all lookups of a day find the same one. */
class MarkerReader {
  readonly #log: Log;
  #text: string | null = null;
  #token: ChangeToken | undefined;

  constructor(log: Log) {
    this.#log = log;
  }

  /** @returns undefined if there is no marker or it is unreadable, which is logged once */
  tokenIn(text: string | null): ChangeToken | undefined {
    if (text === this.#text) return this.#token;
    this.#text = text;
    this.#token = text === null ? undefined : decodeMarker(text)?.token;
    if (text !== null && this.#token === undefined)
      this.#log.warn('cache.marker_unreadable', { effect: 'warmed entries are used as long as they live' });
    return this.#token;
  }
}

/** Logs the start and the end of an outage once, however many commands fail in between. */
class Outages {
  readonly #log: Log;
  readonly #current = new Set<string>();

  constructor(log: Log) {
    this.#log = log;
  }

  began(what: 'connection' | 'read' | 'write', reason: string): void {
    if (this.#current.has(what)) return;
    this.#current.add(what);
    this.#log.warn('cache.unavailable', { what, reason });
  }

  ended(what: 'connection' | 'read' | 'write'): void {
    if (this.#current.delete(what)) this.#log.info('cache.recovered', { what });
  }
}
