import { errorFields } from '../contract/errors.ts';
import { KINDS } from '../contract/event-types/event-types.ts';
import type { ListedWebhook } from '../contract/ledger-ports.ts';
import type { Log } from '../contract/log.ts';
import type { MetricReader } from '../contract/metric-reader.ts';
import {
  HEALTH_KEPT_SECONDS,
  HEALTH_WINDOW_HOURS,
  LAST_ERRORS_READ,
  UNREAD_KEPT_SECONDS,
} from '../contract/webhook-health.ts';
import type { IntegrationBook } from '../domain/integrations.ts';
import { DAY_PERIOD_SECONDS, spanUntil, triesOf, tryQueries } from '../domain/metric-queries.ts';
import { type LastError, lastErrorOf, type TryCounts } from '../domain/webhook-health.ts';
import { createCachedValue, onePerKey } from '../shared/cache.ts';

export interface HealthServices {
  /** Undefined where they were never read. */
  readonly integrations: { read(): Promise<IntegrationBook | undefined> };
  readonly metrics: MetricReader;
  /** @throws LedgerUnavailable */
  readonly failures: (integrationId: string, nowMs: number) => Promise<readonly ListedWebhook[]>;
  /** Of the stage's own metrics. */
  readonly namespace: string;
  readonly log: Log;
  /** Wall clock, ms. */
  readonly now: () => number;
}

/** The same tries twice, each undefined where it could not be read. */
export interface AllTries {
  /** Of every integration, in the document's order. */
  readonly byId: ReadonlyMap<string, TryCounts | undefined>;
  /** Of every kind of event, at whichever integration. */
  readonly byKind: ReadonlyMap<string, TryCounts | undefined>;
  readonly readAtMs: number;
}

/** `unread` is no answer: the ledger did not give one, or there was no room to ask. */
export type ReadError = { readonly error: LastError | undefined } | 'unread';

export interface HealthReader {
  /** Undefined where it is not known which integrations there are. */
  tries(): Promise<AllTries | undefined>;
  /** Of one integration, whose tries failed or are not known; of others there is none. */
  lastError(integrationId: string): Promise<ReadError>;
}

/** For how long a reading is good, in milliseconds. */
export function keepMs(isWhole: boolean): number {
  return (isWhole ? HEALTH_KEPT_SECONDS : UNREAD_KEPT_SECONDS) * 1000;
}

/** Reads what health is computed from, and keeps it. */
export function createHealthReader(services: HealthServices): HealthReader {
  const { now } = services;
  const tries = createCachedValue({
    read: () => readTries(services),
    keepMs: (all) => keepMs(all !== undefined && countsOf(all).every((counts) => counts !== undefined)),
    now,
  });
  const errors = onePerKey((integrationId) =>
    createCachedValue({
      read: () => readError(integrationId, services),
      keepMs: (error) => keepMs(error !== 'unread'),
      now,
    }),
  );
  return { tries: () => tries.get(), lastError: (integrationId) => errors(integrationId).get() };
}

async function readTries({ integrations, metrics, namespace, now }: HealthServices): Promise<AllTries | undefined> {
  const book = await integrations.read();
  if (book === undefined) return undefined;
  const ids = idsOf(book);
  const readAtMs = now();
  const span = spanUntil(readAtMs, HEALTH_WINDOW_HOURS, DAY_PERIOD_SECONDS);
  const queries = [
    ...tryQueries(namespace, 'integration', ids, DAY_PERIOD_SECONDS),
    ...tryQueries(namespace, 'kind', KINDS, DAY_PERIOD_SECONDS),
  ];
  const values = await metrics.read(queries, span);
  return {
    byId: new Map(ids.map((id) => [id, triesOf(values, 'integration', id)])),
    byKind: new Map(KINDS.map((kind) => [kind, triesOf(values, 'kind', kind)])),
    readAtMs,
  };
}

async function readError(integrationId: string, { failures, log, now }: HealthServices): Promise<ReadError> {
  try {
    return { error: lastErrorOf(await failures(integrationId, now())) };
  } catch (thrown) {
    log.warn('last_error.unread', { integration_id: integrationId, ...errorFields(thrown) });
    return 'unread';
  }
}

/** Of integrations and of kinds. */
export function countsOf({ byId, byKind }: AllTries): readonly (TryCounts | undefined)[] {
  return [...byId.values(), ...byKind.values()];
}

/** Those whose entry is broken too: their tries were made while it was not. */
export function idsOf({ byId, broken }: IntegrationBook): readonly string[] {
  return [...byId.keys(), ...broken.keys()];
}

/** Those whose last error is read where all are asked for: who failed most goes first, then who is not known. */
export function troubled({ byId }: AllTries): readonly string[] {
  const failing = [...byId].filter(([, counts]) => counts === undefined || counts.failures > 0);
  const failuresOf = (counts: TryCounts | undefined) => counts?.failures ?? 0;
  const most = failing.toSorted(([, one], [, other]) => failuresOf(other) - failuresOf(one));
  return most.slice(0, LAST_ERRORS_READ).map(([id]) => id);
}
