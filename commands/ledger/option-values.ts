/** How far back is looked without `--since`. No delivery stays open for longer than 15 days. */
export const DEFAULT_SPANS = { last: '400d', list: '15d', count: '24h', adoption: '7d' } as const;

/** How many are shown without `--number`. */
export const DEFAULT_NUMBERS = { last: 20, list: 100, reasons: 20 } as const;

/** What an operator may say of a delivery: the partner has it, or it is not to be sent any more. */
export const CLOSED_AS = ['delivered', 'cancelled'] as const;
export type ClosedAs = (typeof CLOSED_AS)[number];
