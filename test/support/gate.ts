export const SECOND = 1_000;
export const MINUTE = 60 * SECOND;
export const HOUR = 60 * MINUTE;

export const go = { verdict: 'now' } as const;
export const failing = { verdict: 'parked', reason: 'failing' } as const;
export const gone = { verdict: 'parked', reason: 'gone' } as const;
export const reserved = (atMs: number) => ({ verdict: 'later', atMs, isReserved: true }) as const;
export const unreserved = (atMs: number) => ({ verdict: 'later', atMs, isReserved: false }) as const;
