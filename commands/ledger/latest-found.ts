import type { FoundWebhook } from './found-webhooks.ts';

/** Cut down whenever so many more than wanted are kept. */
const SPARE = 1000;

/** Keeps the latest of many webhooks, and counts them all. */
export interface LatestFound<T> {
  add(webhook: T): void;
  /** By when they were accepted, latest first. */
  latest(): readonly T[];
  readonly total: number;
}

export function createLatestFound<T extends Pick<FoundWebhook, 'accepted_at'>>(atMost: number): LatestFound<T> {
  let kept: T[] = [];
  let total = 0;
  const cut = () => {
    kept = kept.toSorted((one, other) => (one.accepted_at < other.accepted_at ? 1 : -1)).slice(0, atMost);
    return kept;
  };
  return {
    add(webhook) {
      total += 1;
      if (kept.push(webhook) >= atMost + SPARE) cut();
    },
    latest: cut,
    get total() {
      return total;
    },
  };
}
