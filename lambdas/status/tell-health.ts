import {
  type AllHealth,
  HEALTH_WINDOW_HOURS,
  type Health,
  type IntegrationHealth,
} from '../contract/webhook-health.ts';
import { healthOf, latestError, summed } from '../domain/webhook-health.ts';
import { type AllTries, countsOf, type HealthReader, type ReadError, troubled } from './read-health.ts';

const asOf = ({ readAtMs }: AllTries) =>
  ({ window_hours: HEALTH_WINDOW_HOURS, read_at: new Date(readAtMs).toISOString() }) as const;

/** Of all integrations. @returns undefined where nothing at all can be read */
export async function tellAll(reader: HealthReader): Promise<AllHealth | undefined> {
  const all = await reader.tries();
  if (all === undefined) return undefined;
  const ids = troubled(all);
  const read = await Promise.all(ids.map((id) => reader.lastError(id)));
  const errors = new Map<string, ReadError>(ids.map((id, index) => [id, read[index] ?? 'unread']));
  const isAnyCountKnown = all.byId.size === 0 || countsOf(all).some((counts) => counts !== undefined);
  if (!isAnyCountKnown && read.every((one) => one === 'unread')) return undefined;
  const integrations = [...all.byId].map(([id, counts]): [string, Health] => [
    id,
    healthOf(counts, errorIn(errors.get(id))),
  ]);
  // The last error is found in the ledger's index, which does not tell kinds apart.
  const kinds = [...all.byKind].map(([kind, counts]): [string, Health] => [kind, healthOf(counts, undefined)]);
  return {
    ...healthOf(summed([...all.byId.values()]), latestError(read.map(errorIn))),
    ...asOf(all),
    integrations: Object.fromEntries(integrations),
    kinds: Object.fromEntries(kinds),
  };
}

/** @returns `unknown` for an integration that there is not; undefined where nothing at all can be read */
export async function tellOne(
  integration: string,
  reader: HealthReader,
): Promise<IntegrationHealth | 'unknown' | undefined> {
  const all = await reader.tries();
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
