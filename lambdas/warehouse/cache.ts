import { jittered } from '../events/retry-timing.ts';
import { IO_DEADLINES, type IoDeadlines } from '../shared/io-deadlines.ts';
import type { Log } from '../shared/log.ts';
import { clientOpener, type ValkeyAddress, type ValkeyClient } from '../valkey/client.ts';
import { ValkeyConnection } from '../valkey/connection.ts';
import { type Outcome, reasonOf } from '../valkey/outcomes.ts';
import { decodeLearningTime, encodeLearningTime } from './cached-learning-time.ts';
import { type LearningTime, type LearningTimeCache, learnerKeyText } from './learning-time.ts';

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
 */
export function createValkeyCache(options: ValkeyCacheOptions): ValkeyCache {
  const { log, random = Math.random, now = Date.now, deadlines = IO_DEADLINES.valkey } = options;
  const outages = new Outages(log);
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
      if (texts.length === 0) return new Map();
      const outcomes = await run('read', (client) => texts.map((text) => client.get(text)));
      return hitsAmong(texts, outcomes, log);
    },
    async write(learningTimes, ttlSeconds) {
      if (learningTimes.size === 0) return;
      const send = (client: ValkeyClient) =>
        // With jitter, entries that were stored together do not expire together.
        [...learningTimes].map(([text, one]) =>
          client.set(text, encodeLearningTime(one), 'EX', jittered(ttlSeconds, random)),
        );
      await run('write', send, deadlines.commandMs);
    },
    connect: () => connection.connect(),
    close: () => connection.close(),
  };
}

function hitsAmong(
  texts: readonly string[],
  outcomes: readonly Outcome<string | null>[],
  log: Log,
): ReadonlyMap<string, LearningTime> {
  const hits = new Map<string, LearningTime>();
  const unreadable: string[] = [];
  outcomes.forEach((outcome, position) => {
    const text = texts[position];
    if (text === undefined || !('value' in outcome) || outcome.value === null) return;
    const learningTime = decodeLearningTime(outcome.value);
    if (learningTime) hits.set(text, learningTime);
    else unreadable.push(text);
  });
  // One line for all: after a rollback all values may be of another version.
  if (unreadable.length > 0) log.warn('cache.value_unreadable', { values: unreadable.length, example: unreadable[0] });
  return hits;
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
