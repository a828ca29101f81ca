import type { Address, Hidden } from '../use-address.ts';

/** What the page of deliveries is asked for: its fields are those of its address, and of what is hidden from it. */
export interface DeliveriesQuery {
  /** A webhook id, or how it starts. */
  readonly id?: string;
  readonly event?: string;
  readonly integration?: string;
  readonly state?: string;
  readonly since?: string;
  readonly until?: string;
  /** A part of the reason. */
  readonly text?: string;
  /** A learner's number: personal data, and so no part of the address. */
  readonly user?: string;
  readonly course?: string;
  readonly cursor?: string;
}

const NAMES = ['id', 'event', 'integration', 'state', 'since', 'until', 'text', 'course', 'cursor'] as const;

/** Reads an address. Empty fields are left out. */
export function readQuery({ query, hidden }: Pick<Address, 'query' | 'hidden'>): DeliveriesQuery {
  const all = [...NAMES.map((name) => [name, query.get(name) ?? ''] as const), ['user', hidden.user ?? ''] as const];
  return Object.fromEntries(all.flatMap(([name, text]) => (text.trim() === '' ? [] : [[name, text.trim()]])));
}

/** The address of a query: `/deliveries?state=dead`. */
export function addressOf(query: DeliveriesQuery): string {
  const fields = new URLSearchParams();
  for (const name of NAMES) {
    const value = query[name]?.trim() ?? '';
    if (value !== '') fields.set(name, value);
  }
  return fields.size === 0 ? '/deliveries' : `/deliveries?${fields}`;
}

/** What is asked for besides the address. */
export function hiddenPartOf({ user = '' }: DeliveriesQuery): Hidden {
  return user.trim() === '' ? {} : { user: user.trim() };
}

/** The address of one delivery. */
export function deliveryAddress(webhookId: string): string {
  return `/deliveries/${encodeURIComponent(webhookId)}`;
}

/** How a query is answered: by keys of the table, through its index, or by reading everything. */
export function kindOfQuery({ id, event, user, course, text }: DeliveriesQuery): 'by id' | 'list' | 'search' {
  if (id !== undefined || event !== undefined) return 'by id';
  return user !== undefined || course !== undefined || text !== undefined ? 'search' : 'list';
}

/** Whether more than one search without an index is asked for. Each reads everything by itself. */
export function hasSeveralSearches({ user, course, text }: DeliveriesQuery): boolean {
  return [user, course, text].filter((value = '') => value.trim() !== '').length > 1;
}
