import type { OnReceipt } from '../demo/partner.ts';

/** What partners counted, by `webhook-id`. */
export interface Tally {
  readonly note: OnReceipt;
  /** When a partner answered 2xx, each time, in epoch milliseconds. */
  readonly taken: ReadonlyMap<string, readonly number[]>;
  /** Times that one answered otherwise. */
  readonly refused: ReadonlyMap<string, number>;
}

export function startTally(): Tally {
  const taken = new Map<string, number[]>();
  const refused = new Map<string, number>();
  return {
    taken,
    refused,
    note({ headers, received_at }, answered) {
      const id = String(headers['webhook-id']);
      if (typeof answered === 'number' && answered >= 200 && answered < 300) {
        const times = taken.get(id) ?? [];
        taken.set(id, [...times, Date.parse(received_at)]);
      } else refused.set(id, (refused.get(id) ?? 0) + 1);
    },
  };
}
