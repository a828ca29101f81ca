import { setTimeout as sleepFor } from 'node:timers/promises';
import { CacheUnavailable } from '../shared/errors.ts';
import { IO_DEADLINES, type IoDeadlines } from '../shared/io-deadlines.ts';
import type { Log } from '../shared/log.ts';
import { clientOpener, type ValkeyAddress, type ValkeyClient } from '../valkey/client.ts';
import { ValkeyConnection } from '../valkey/connection.ts';
import { type Outcome, reasonOf } from '../valkey/outcomes.ts';
import { encodeLearningTime } from './cached-learning-time.ts';
import type { ChangeToken } from './change-token.ts';
import { learnerKeyText } from './learning-time.ts';
import * as documents from './warm-documents.ts';
import { ecpusOf, WarmPace } from './warm-limits.ts';
import type { WarmEntry, WarmStore } from './warming.ts';

/**
 * Limits of one pipeline. The next one is sent when all its commands are confirmed, so that no more are in the server at any
 * time: a call of the limiter waits for at most these, some microseconds each.
 */
export const PIPELINE_COMMANDS = 200;
export const PIPELINE_BYTES = 65_536;

export interface WarmStoreOptions extends ValkeyAddress {
  readonly log: Log;
  /** The cache's limit. A run takes half of it. */
  readonly maxEcpuPerSecond: number;
  /** The wall clock, in milliseconds. */
  readonly now?: () => number;
  /** A monotonic clock, in milliseconds, and the wait by it. */
  readonly monotonicMs?: () => number;
  readonly sleep?: (ms: number) => Promise<unknown>;
  readonly deadlines?: IoDeadlines['warming'];
}

/**
 * The store of a warm run in Valkey: ElastiCache Serverless, or any server with its protocol. Every command has one key, since
 * a cluster refuses others over several slots; so marker and progress are separate commands.
 *
 * Entries are stored whatever is there. An entry of an older token over a newer one, by a run that should have ended, is a miss
 * for readers, which costs a query and is never wrong.
 */
export function createWarmStore(options: WarmStoreOptions): WarmStore {
  const { log, deadlines = IO_DEADLINES.warming, now = Date.now, sleep = sleepFor } = options;
  const pace = new WarmPace(options.maxEcpuPerSecond, options.monotonicMs ?? (() => performance.now()));
  let lastFailure = 'no connection in time';
  const failed = (reason: string) => {
    lastFailure = reason;
  };
  const connection = new ValkeyConnection(clientOpener(options), failed, now, deadlines);

  /** @throws CacheUnavailable unless Valkey has confirmed all commands */
  async function run<T>(send: (client: ValkeyClient) => Promise<T>[]): Promise<T[]> {
    const outcomes = await connection.run(send);
    if (outcomes.length === 0) throw new CacheUnavailable(`Valkey is down: ${lastFailure}`);
    return outcomes.map(confirmed);
  }

  async function read<T>(key: string, decode: (text: string) => T | undefined, what: string): Promise<T | undefined> {
    const [text] = await run((client) => [client.get(key)]);
    if (text === undefined || text === null) return undefined;
    const value = decode(text);
    // Without its text, which is not ours.
    if (value === undefined) log.warn('warm.document_unreadable', { what, effect: 'as if there were none' });
    return value;
  }

  const store = (key: string, text: string, seconds: number) => run((client) => [client.set(key, text, 'EX', seconds)]);

  return {
    readMarker: () => read(documents.MARKER_KEY, documents.decodeMarker, 'marker'),
    readProgress: () => read(documents.PROGRESS_KEY, documents.decodeProgress, 'progress'),
    async writeProgress(progress) {
      await store(documents.PROGRESS_KEY, documents.encodeProgress(progress), documents.PROGRESS_SECONDS);
    },
    async advanceProgress(progress) {
      const text = documents.encodeProgress(progress);
      const seconds = documents.PROGRESS_SECONDS;
      const [reply] = await run((client) => [client.set(documents.PROGRESS_KEY, text, 'EX', seconds, 'XX')]);
      return reply === 'OK';
    },
    async write(entries, token) {
      for (const { commands, ecpus } of pipelinesOf(entries, token)) {
        await sleep(pace.reserve(ecpus));
        await run((client) =>
          commands.map(({ key, text }) => client.set(key, text, 'EX', documents.WARM_ENTRY_SECONDS)),
        );
      }
    },
    async complete(marker) {
      // In this order: a run that ends between the two leaves a progress that is complete, and the marker says that there is
      // nothing to do. The other way round, all rows would be read again.
      const text = documents.encodeMarker(marker);
      const seconds = documents.MARKER_SECONDS;
      const [before] = await run((client) => [client.set(documents.MARKER_KEY, text, 'EX', seconds, 'GET')]);
      const [removed] = await run((client) => [client.del(documents.PROGRESS_KEY)]);
      if (removed !== 0) return true;
      // Another run has ended in the meantime, unless Valkey was emptied: then there was no marker.
      if (typeof before === 'string') await store(documents.MARKER_KEY, before, seconds);
      else await run((client) => [client.del(documents.MARKER_KEY)]);
      return false;
    },
    close: () => connection.close(),
  };
}

interface Pipeline {
  readonly commands: { readonly key: string; readonly text: string }[];
  ecpus: number;
  bytes: number;
}

/** Encodes entries when they are sent, so that only one pipeline of texts is in memory. */
function* pipelinesOf(entries: readonly WarmEntry[], token: ChangeToken): Generator<Pipeline> {
  let pipeline: Pipeline = { commands: [], ecpus: 0, bytes: 0 };
  for (const { key: learner, learningTime } of entries) {
    const key = learnerKeyText(learner);
    const text = encodeLearningTime(learningTime, token);
    const bytes = Buffer.byteLength(key) + Buffer.byteLength(text);
    const { commands } = pipeline;
    if (commands.length === PIPELINE_COMMANDS || (commands.length > 0 && pipeline.bytes + bytes > PIPELINE_BYTES)) {
      yield pipeline;
      pipeline = { commands: [], ecpus: 0, bytes: 0 };
    }
    pipeline.commands.push({ key, text });
    pipeline.ecpus += ecpusOf(bytes);
    pipeline.bytes += bytes;
  }
  if (pipeline.commands.length > 0) yield pipeline;
}

/**
 * The value of a command that was confirmed. Errors have the code of Valkey's reply only: its text may quote the command.
 *
 * @throws CacheUnavailable
 */
function confirmed<T>(outcome: Outcome<T>): T {
  if ('value' in outcome) return outcome.value;
  if ('lost' in outcome) {
    const reason = reasonOf(outcome.lost);
    throw new CacheUnavailable(`Valkey is ${reason.startsWith('no response within') ? 'slow' : 'down'}: ${reason}`);
  }
  const [code = ''] = /^[A-Z]+/.exec(reasonOf(outcome.refused)) ?? [];
  throw new CacheUnavailable(code === 'OOM' ? 'Valkey is full: OOM' : `Valkey refused a command: ${code}`);
}
