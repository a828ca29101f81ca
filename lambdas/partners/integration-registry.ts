import { canonicalEnterpriseId, type LmsEvent, REGIONS } from '../events/event.ts';
import type { EventType } from '../events/event-types/event-types.ts';
import { faultsOf } from '../shared/faults.ts';
import type { Log } from '../shared/log.ts';
import { type Integration, integrationSchema, integrationsDocumentSchema } from './integration.ts';

/** An entry that cannot be used, with what may tell whose events it should get: as written, so of any type. */
export interface BrokenEntry {
  readonly reason: string;
  readonly enterprise: unknown;
  readonly region: unknown;
}

/** The integrations as far as they could be read. */
export interface IntegrationRegistry {
  /** Usable ones by id, in the document's order. */
  readonly byId: ReadonlyMap<string, Integration>;
  /** Entries that do not fit the schema and never did, by id: their events wait. */
  readonly broken: ReadonlyMap<string, BrokenEntry>;
  /** Whether all of them are paused. */
  readonly paused: boolean;
  /** What was wrong with the document, in words and without its values. */
  readonly faults: readonly string[];
}

/**
 * Reads the integrations document entry by entry. An entry that does not fit keeps its last good version, or is broken
 * until it is mended; the others are not touched by it.
 *
 * @throws SyntaxError or TypeError where the document as a whole cannot be read
 */
export function readIntegrations(text: string, lastGood: IntegrationRegistry | undefined): IntegrationRegistry {
  const document: unknown = JSON.parse(text);
  const entries = (document as { integrations?: unknown } | null)?.integrations;
  if (!Array.isArray(entries)) throw new TypeError('the integrations document has no list "integrations"');

  const byId = new Map<string, Integration>();
  const broken = new Map<string, BrokenEntry>();
  const faults: string[] = [];
  for (const [index, entry] of entries.entries()) {
    const read = integrationSchema.safeParse(entry);
    const id = read.success ? read.data.id : idOf(entry);
    const fault = read.success
      ? byId.has(read.data.id) && 'its id is taken by an earlier entry'
      : faultsOf(read.error, 'entry');
    if (read.success && fault === false) {
      byId.set(read.data.id, read.data);
      continue;
    }
    faults.push(`integration ${id ?? `number ${index + 1}`}: ${fault}`);
    if (id === undefined || byId.has(id)) continue;
    const kept = lastGood?.byId.get(id);
    if (kept) byId.set(id, { ...kept, ...brakesOf(entry) });
    else broken.set(id, brokenEntry(entry, String(fault)));
  }
  for (const id of byId.keys()) broken.delete(id);
  const paused = integrationsDocumentSchema.shape.paused.safeParse((document as { paused?: unknown }).paused);
  if (!paused.success) faults.push('paused: must be true or false');
  return { byId, broken, paused: paused.success ? paused.data : (lastGood?.paused ?? false), faults };
}

/** What stops an integration holds whatever else is wrong with its entry: a brake must not fail for a typing error. */
function brakesOf(entry: unknown): Partial<Integration> {
  const { paused, active } = entry as { readonly paused?: unknown; readonly active?: unknown };
  return { ...(paused === true && { paused }), ...(active === false && { active }) };
}

function idOf(entry: unknown): string | undefined {
  const id = integrationSchema.shape.id.safeParse((entry as { id?: unknown } | null)?.id);
  return id.success ? id.data : undefined;
}

/** Reads a document and warns, once for each version of it, of what does not fit. */
export function integrationsReader(log: Log) {
  return (text: string, lastGood: IntegrationRegistry | undefined): IntegrationRegistry => {
    const registry = readIntegrations(text, lastGood);
    if (registry.faults.length > 0) log.warn('integrations.faulty', { faults: registry.faults });
    return registry;
  };
}

function brokenEntry(entry: unknown, reason: string): BrokenEntry {
  const { enterprise_customer_uuid: enterprise, region } = entry as Record<string, unknown>;
  return { reason, enterprise, region };
}

/** Where an event goes. `broken` and `unknown` differ: the first waits for its entry to be mended. */
export type Route =
  | { readonly to: 'integration'; readonly integration: Integration }
  | {
      readonly to: 'none';
      readonly verdict: 'filtered' | 'broken';
      readonly id: string;
      readonly reason: string;
    }
  /** `id`: of an integration that the document has, never one that only the event names. */
  | { readonly to: 'none'; readonly verdict: 'unknown'; readonly id?: string; readonly reason: string };

/**
 * Finds the one receiver of an event: by its id, or by enterprise and region, the exact region before `OTHER`.
 *
 * An integration that belongs to an enterprise gets no other enterprise's events, whoever names it.
 *
 * @param enterpriseId in canonical form
 */
export function route(event: LmsEvent, enterpriseId: string | undefined, registry: IntegrationRegistry): Route {
  const id = event.integration_id;
  if (id === undefined) return routeByRegion(event, enterpriseId, registry);
  const integration = registry.byId.get(id);
  if (integration === undefined) {
    const fault = registry.broken.get(id);
    return fault === undefined
      ? { to: 'none', verdict: 'unknown', reason: 'integration_id: no integration has this id' }
      : { to: 'none', verdict: 'broken', id, reason: brokenReason(id, fault) };
  }
  const owner = integration.enterprise_customer_uuid;
  if (owner !== undefined && enterpriseId !== undefined && owner !== enterpriseId) {
    return { to: 'none', verdict: 'unknown', id, reason: `integration ${id} belongs to another enterprise` };
  }
  return routeTo(integration, event.event_type);
}

/**
 * The enterprise's integration for the region, else its `OTHER`. An entry of the region that is switched off or broken
 * is still the one that the operator meant: its events go nowhere else meanwhile.
 */
function routeByRegion(event: LmsEvent, enterpriseId: string | undefined, registry: IntegrationRegistry): Route {
  const nobody = (reason: string): Route => ({ to: 'none', verdict: 'unknown', reason });
  const { event_type, region = 'OTHER' } = event;
  if (enterpriseId === undefined) return nobody('names a region but no enterprise_customer_uuid');
  for (const wantedRegion of new Set([region, 'OTHER'])) {
    const candidates = [...registry.byId.values()].filter(
      (entry) => entry.region === wantedRegion && entry.enterprise_customer_uuid === enterpriseId,
    );
    const chosen = candidates.find(({ active }) => active) ?? candidates[0];
    if (chosen !== undefined) return routeTo(chosen, event_type);
    for (const [id, entry] of registry.broken) {
      if (!mayServe(entry, enterpriseId, wantedRegion)) continue;
      return { to: 'none', verdict: 'broken', id, reason: brokenReason(id, entry) };
    }
  }
  return nobody(`no integration of this enterprise serves region ${region}`);
}

/** Whether a broken entry could be meant; what of it cannot be read could be anything. */
function mayServe({ enterprise, region }: BrokenEntry, enterpriseId: string, wantedRegion: string): boolean {
  const isEnterprise =
    typeof enterprise === 'string' ? canonicalEnterpriseId(enterprise) === enterpriseId : enterprise != null;
  const known: readonly unknown[] = REGIONS;
  const isRegion = known.includes(region ?? 'OTHER') ? (region ?? 'OTHER') === wantedRegion : true;
  return isEnterprise && isRegion;
}

function brokenReason(id: string, { reason }: BrokenEntry): string {
  return `the entry of integration ${id} does not fit: ${reason}`;
}

/** Whether an integration takes an event now; asked on entry and again before each try. */
export function routeTo(integration: Integration, eventType: EventType): Exclude<Route, { verdict: 'unknown' }> {
  const { id, active, event_types: types } = integration;
  if (!active) return { to: 'none', verdict: 'filtered', id, reason: `integration ${id} is not active` };
  if (types !== undefined && !types.includes(eventType)) {
    return { to: 'none', verdict: 'filtered', id, reason: `integration ${id} does not take ${eventType}` };
  }
  return { to: 'integration', integration };
}
