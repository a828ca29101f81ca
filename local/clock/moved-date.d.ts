/** Moves `Date` ahead of the real clock. */
export function moveDate(byMs: number): void;
/** Restores the real `Date`. */
export function restoreDate(): void;
/** The real clock, in epoch milliseconds. */
export function realNowMs(): number;
