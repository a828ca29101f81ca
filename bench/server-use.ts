/** What a server of the benchmark says of itself, since it began. */
export interface ServerUse {
  readonly requests: number;
  /** Of its whole process. */
  readonly cpuMs: number;
}

/** How busy a server was in between, as a share of one core: near 1 it would be what is measured. */
export function busyShare(
  before: Pick<ServerUse, 'cpuMs'>,
  after: Pick<ServerUse, 'cpuMs'>,
  elapsedMs: number,
): number {
  return (after.cpuMs - before.cpuMs) / elapsedMs;
}
