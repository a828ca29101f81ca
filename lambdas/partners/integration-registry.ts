import { canonicalEnterpriseId, type LmsEvent, REGIONS } from '../events/event.ts';
import type { EventType } from '../events/event-types/event-types.ts';
import { faultsOf } from '../shared/faults.ts';
import type { Log } from '../shared/log.ts';
import { type Integration, integrationSchema, integrationsDocumentSchema } from './integration.ts';

/** An invalid entry, with the unvalidated fields that may identify its events. */
export interface BrokenEntry {
  readonly reason: string;
  readonly enterprise: unknown;
  readonly region: unknown;
}

/** The integrations that could be read, and the entries that could not. */
export interface IntegrationRegistry {
  /** Valid integrations by id, in the document's order. */
  readonly byId: ReadonlyMap<string, Integration>;
  /** Invalid entries without a last good version, by id: their events wait. */
  readonly broken: ReadonlyMap<string, BrokenEntry>;
  /** Whether all integrations are paused. */
  readonly paused: boolean;
  /** What is wrong with the document, without its values. */
  readonly faults: readonly string[];
}

/**
 * Reads the integrations document entry by entry. For an invalid entry its last good version stays in effect; without one
 * it is broken until an operator fixes it. Other entries are not affected.
 *
 * @throws SyntaxError or TypeError if the document as a whole cannot be read
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
    const previous = lastGood?.byId.get(id);
    if (previous) byId.set(id, { ...previous, ...stopFields(entry) });
    else broken.set(id, brokenEntry(entry, String(fault)));
  }
  for (const id of byId.keys()) broken.delete(id);
  const paused = integrationsDocumentSchema.shape.paused.safeParse((document as { paused?: unknown }).paused);
  if (!paused.success) faults.push('paused: must be true or false');
  return { byId, broken, paused: paused.success ? paused.data : (lastGood?.paused ?? false), faults };
}

/** `paused` and `active: false` apply even if the rest of the entry is invalid, so that a typo cannot prevent a stop. */
function stopFields(entry: unknown): Partial<Integration> {
  const { paused, active } = entry as { readonly paused?: unknown; readonly active?: unknown };
  return { ...(paused === true && { paused }), ...(active === false && { active }) };
}

function idOf(entry: unknown): string | undefined {
  const id = integrationSchema.shape.id.safeParse((entry as { id?: unknown } | null)?.id);
  return id.success ? id.data : undefined;
}

/** Creates a parser that logs one warning per version of the document that has faults. */
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

/** The receiver of an event. With `broken` the event waits until the entry is fixed; with `unknown` it is dead-lettered. */
export type Route =
  | { readonly to: 'integration'; readonly integration: Integration }
  | {
      readonly to: 'none';
      readonly verdict: 'filtered' | 'broken';
      readonly id: string;
      readonly reason: string;
    }
  /** `id` is only set for an integration that the document has. */
  | { readonly to: 'none'; readonly verdict: 'unknown'; readonly id?: string; readonly reason: string };

/**
 * Finds the receiver of an event: by integration id, or by enterprise and region, the exact region before `OTHER`.
 *
 * An integration that belongs to an enterprise never gets another enterprise's events, even if an event names it.
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
 * Finds the enterprise's integration for the region, else the one for `OTHER`. If the region's entry is inactive or broken,
 * its events do not fall back to `OTHER`.
 */
function routeByRegion(event: LmsEvent, enterpriseId: string | undefined, registry: IntegrationRegistry): Route {
  const unknown = (reason: string): Route => ({ to: 'none', verdict: 'unknown', reason });
  const { event_type, region = 'OTHER' } = event;
  if (enterpriseId === undefined) return unknown('names a region but no enterprise_customer_uuid');
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
  return unknown(`no integration of this enterprise serves region ${region}`);
}

/** Whether a broken entry may be the receiver. An unreadable field matches everything. */
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

/** The route to an integration, by its current settings; evaluated on acceptance and again before each attempt. */
export function routeTo(integration: Integration, eventType: EventType): Exclude<Route, { verdict: 'unknown' }> {
  const { id, active, event_types: types } = integration;
  if (!active) return { to: 'none', verdict: 'filtered', id, reason: `integration ${id} is not active` };
  if (types !== undefined && !types.includes(eventType)) {
    return { to: 'none', verdict: 'filtered', id, reason: `integration ${id} does not take ${eventType}` };
  }
  return { to: 'integration', integration };
}
