/** From now on `Date` is ahead of the real clock. */
export function moveDate(byMs: number): void;
/** Gives this process its own `Date` back. */
export function restoreDate(): void;
/** The real clock, in epoch milliseconds. */
export function realNowMs(): number;
