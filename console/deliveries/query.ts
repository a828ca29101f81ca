/** What the page of deliveries is asked for: its fields are those of its address. */
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
  /** A learner's number. */
  readonly user?: string;
  readonly course?: string;
  readonly cursor?: string;
}

const NAMES = ['id', 'event', 'integration', 'state', 'since', 'until', 'text', 'user', 'course', 'cursor'] as const;

/** Reads an address. Empty fields are left out. */
export function readQuery(query: URLSearchParams): DeliveriesQuery {
  const fields = NAMES.flatMap((name) => {
    const value = query.get(name)?.trim() ?? '';
    return value === '' ? [] : [[name, value] as const];
  });
  return Object.fromEntries(fields);
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

/** The address of one delivery. */
export function deliveryAddress(webhookId: string): string {
  return `/deliveries/${encodeURIComponent(webhookId)}`;
}

/** How a query is answered: by keys of the table, through its index, or by reading everything. */
export function kindOfQuery({ id, event, user, course, text }: DeliveriesQuery): 'by id' | 'list' | 'search' {
  if (id !== undefined || event !== undefined) return 'by id';
  return user !== undefined || course !== undefined || text !== undefined ? 'search' : 'list';
}
