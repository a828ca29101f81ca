/** What a server of the benchmark has used since it began. */
export interface CpuUse {
  /** Of its whole process. */
  readonly cpuMs: number;
}

/** What one says of itself. */
export interface ServerUse extends CpuUse {
  readonly requests: number;
}

/** How busy a server was in between, as a share of one core: near 1 it would be what is measured. */
export function busyShare(before: CpuUse, after: CpuUse, elapsedMs: number): number {
  return (after.cpuMs - before.cpuMs) / elapsedMs;
}
