import { KINDS } from '../events/event-types/event-types.ts';
import type { ListedDelivery } from '../ledger/ports.ts';
import type { IntegrationRegistry } from '../partners/integration-registry.ts';
import { createCachedValue, onePerKey } from '../shared/cache.ts';
import { errorFields } from '../shared/errors.ts';
import type { Log } from '../shared/log.ts';
import type { MetricReader } from '../shared/metric-reader.ts';
import { type AttemptCounts, healthOf, type LastError, lastErrorOf, latestError, summed } from './health.ts';
import {
  type AllHealth,
  HEALTH_CACHE_SECONDS,
  HEALTH_WINDOW_HOURS,
  type Health,
  type IntegrationHealth,
  LAST_ERRORS_READ,
  UNREAD_CACHE_SECONDS,
} from './health-document.ts';
import { attemptQueries, attemptsOf, DAY_PERIOD_SECONDS, spanUntil } from './metric-queries.ts';

export interface HealthServices {
  /** Undefined if they were never read. */
  readonly integrations: { read(): Promise<IntegrationRegistry | undefined> };
  readonly metrics: MetricReader;
  /** @throws LedgerUnavailable */
  readonly failures: (integrationId: string, nowMs: number) => Promise<readonly ListedDelivery[]>;
  /** Namespace of the stage's metrics. */
  readonly namespace: string;
  readonly log: Log;
  /** Wall clock, ms. */
  readonly now: () => number;
}

/** The same attempts by two dimensions. A count is undefined if it could not be read. */
interface AllAttempts {
  /** Every integration, in the document's order. */
  readonly byId: ReadonlyMap<string, AttemptCounts | undefined>;
  /** Every kind of event, over all integrations. */
  readonly byKind: ReadonlyMap<string, AttemptCounts | undefined>;
  readonly readAtMs: number;
}

/** `unread`: the ledger did not respond. */
type ReadError = { readonly error: LastError | undefined } | 'unread';

export interface HealthReader {
  /** Undefined if the integrations could not be read. */
  attempts(): Promise<AllAttempts | undefined>;
  /** Last error of an integration with failed or unknown attempts. */
  lastError(integrationId: string): Promise<ReadError>;
}

/** How long a reading is cached, in milliseconds. */
export function cacheMs(isWhole: boolean): number {
  return (isWhole ? HEALTH_CACHE_SECONDS : UNREAD_CACHE_SECONDS) * 1000;
}

/** Reads and caches the inputs of the health. */
export function createHealthReader(services: HealthServices): HealthReader {
  const { now } = services;
  const attempts = createCachedValue({
    read: () => readAttempts(services),
    keepMs: (all) => cacheMs(all !== undefined && countsOf(all).every((counts) => counts !== undefined)),
    now,
  });
  const errors = onePerKey((integrationId) =>
    createCachedValue({
      read: () => readError(integrationId, services),
      keepMs: (error) => cacheMs(error !== 'unread'),
      now,
    }),
  );
  return { attempts: () => attempts.get(), lastError: (integrationId) => errors(integrationId).get() };
}

async function readAttempts({
  integrations,
  metrics,
  namespace,
  now,
}: HealthServices): Promise<AllAttempts | undefined> {
  const registry = await integrations.read();
  if (registry === undefined) return undefined;
  const ids = idsOf(registry);
  const readAtMs = now();
  const span = spanUntil(readAtMs, HEALTH_WINDOW_HOURS, DAY_PERIOD_SECONDS);
  const queries = [
    ...attemptQueries(namespace, 'integration', ids, DAY_PERIOD_SECONDS),
    ...attemptQueries(namespace, 'kind', KINDS, DAY_PERIOD_SECONDS),
  ];
  const values = await metrics.read(queries, span);
  return {
    byId: new Map(ids.map((id) => [id, attemptsOf(values, 'integration', id)])),
    byKind: new Map(KINDS.map((kind) => [kind, attemptsOf(values, 'kind', kind)])),
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

/** The counts of all integrations and kinds. */
function countsOf({ byId, byKind }: AllAttempts): readonly (AttemptCounts | undefined)[] {
  return [...byId.values(), ...byKind.values()];
}

/** Ids of all integrations, also of broken entries, whose attempts were made before. */
export function idsOf({ byId, broken }: IntegrationRegistry): readonly string[] {
  return [...byId.keys(), ...broken.keys()];
}

/** The integrations whose last error is read for the health of all: most failures first, unknown counts last. */
function mostFailing({ byId }: AllAttempts): readonly string[] {
  const failing = [...byId].filter(([, counts]) => counts === undefined || counts.failures > 0);
  const failuresOf = (counts: AttemptCounts | undefined) => counts?.failures ?? 0;
  const most = failing.toSorted(([, one], [, other]) => failuresOf(other) - failuresOf(one));
  return most.slice(0, LAST_ERRORS_READ).map(([id]) => id);
}

/** The health of all integrations together, and of each. @returns undefined if no source can be read */
export async function healthOfAll(reader: HealthReader): Promise<AllHealth | undefined> {
  const all = await reader.attempts();
  if (all === undefined) return undefined;
  const ids = mostFailing(all);
  const read = await Promise.all(ids.map((id) => reader.lastError(id)));
  const errors = new Map<string, ReadError>(ids.map((id, index) => [id, read[index] ?? 'unread']));
  const isAnyCountKnown = all.byId.size === 0 || countsOf(all).some((counts) => counts !== undefined);
  if (!isAnyCountKnown && read.every((one) => one === 'unread')) return undefined;
  const integrations = [...all.byId].map(([id, counts]): [string, Health] => [
    id,
    healthOf(counts, errorIn(errors.get(id))),
  ]);
  // The last error comes from the ledger's index, which has no kinds.
  const kinds = [...all.byKind].map(([kind, counts]): [string, Health] => [kind, healthOf(counts, undefined)]);
  return {
    ...healthOf(summed([...all.byId.values()]), latestError(read.map(errorIn))),
    ...asOf(all),
    integrations: Object.fromEntries(integrations),
    kinds: Object.fromEntries(kinds),
  };
}

/** @returns `unknown` if there is no such integration; undefined if no source can be read */
export async function healthOfOne(
  integration: string,
  reader: HealthReader,
): Promise<IntegrationHealth | 'unknown' | undefined> {
  const all = await reader.attempts();
  if (all === undefined) return undefined;
  if (!all.byId.has(integration)) return 'unknown';
  const counts = all.byId.get(integration);
  const read = counts?.failures === 0 ? { error: undefined } : await reader.lastError(integration);
  if (counts === undefined && read === 'unread') return undefined;
  return { integration, ...healthOf(counts, errorIn(read)), ...asOf(all) };
}

function errorIn(read: ReadError | undefined) {
  return read === undefined || read === 'unread' ? undefined : read.error;
}

function asOf({ readAtMs }: AllAttempts) {
  return { window_hours: HEALTH_WINDOW_HOURS, read_at: new Date(readAtMs).toISOString() } as const;
}
