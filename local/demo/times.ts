/** How long something has taken so far, by both clocks: `9.2 s` and `26 h 5 min`. */
export function startTimes(): { real(): string; pipeline(): string } {
  const startedMs = Date.now();
  const realStartedMs = performance.now();
  return {
    real: () => `${((performance.now() - realStartedMs) / 1000).toFixed(1)} s`,
    pipeline: () => describeDuration(Date.now() - startedMs),
  };
}

/** Of two units the larger one counts: `12 s`, `2 min`, `26 h`. */
export function describeDuration(ms: number): string {
  const seconds = Math.floor(ms / 1000);
  const minutes = Math.floor(seconds / 60);
  const hours = Math.floor(minutes / 60);
  if (hours > 0) return minutes % 60 === 0 ? `${hours} h` : `${hours} h ${minutes % 60} min`;
  return minutes > 0 ? `${minutes} min` : `${seconds} s`;
}
