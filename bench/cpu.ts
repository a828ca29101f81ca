import { readFileSync } from 'node:fs';

/** Linux counts CPU in hundredths of a second for everything outside the kernel (`USER_HZ`, proc(5)). */
const MS_PER_TICK = 10;

/** CPU of a process since its start. */
export interface CpuUse {
  /** User and system. */
  readonly cpuMs: number;
}

export function ownCpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

/**
 * CPU of another process since its start, user and system, in ms, to the nearest 10; 0 if it has ended.
 *
 * @throws Error if there is no `/proc`: on anything but Linux
 */
export function processCpuMs(processId: number): number {
  readFileSync('/proc/self/stat');
  let stat: string;
  try {
    stat = readFileSync(`/proc/${processId}/stat`, 'utf8');
  } catch {
    return 0;
  }
  // The name in parentheses may contain anything; user and system time are fields 14 and 15 (proc(5)).
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) * MS_PER_TICK;
}

/** Use of a process between two points, as a share of one core: near 1 it would be the bottleneck. */
export function busyShare(before: CpuUse, after: CpuUse, elapsedMs: number): number {
  return (after.cpuMs - before.cpuMs) / elapsedMs;
}

/** Time and CPU for a number of deliveries or events. */
export interface Expense extends CpuUse {
  readonly count: number;
  readonly elapsedMs: number;
}

/** @param work returns how many deliveries or events it processed */
export async function metered(work: () => Promise<number>): Promise<Expense> {
  const startedAtMs = performance.now();
  const before = ownCpuMs();
  const count = await work();
  return { count, elapsedMs: performance.now() - startedAtMs, cpuMs: ownCpuMs() - before };
}

export function perSecond({ count, elapsedMs }: Expense): number {
  return (count / elapsedMs) * 1000;
}

/** Per delivery or event. */
export function cpuMicroseconds({ count, cpuMs }: Expense): number {
  return (cpuMs / count) * 1000;
}
