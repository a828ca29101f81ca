import { readFileSync } from 'node:fs';

/** Linux counts CPU in hundredths of a second for everyone outside the kernel (`USER_HZ`, proc(5)). */
const MS_PER_TICK = 10;

/**
 * CPU of a process since it began, user and system, in ms, to the nearest 10; 0 where it has ended.
 *
 * @throws Error where there is no `/proc`: on anything but Linux
 */
export function processCpuMs(processId: number): number {
  readFileSync('/proc/self/stat');
  let stat: string;
  try {
    stat = readFileSync(`/proc/${processId}/stat`, 'utf8');
  } catch {
    return 0;
  }
  // The name, in parentheses, may hold anything; user and system time are the 14th and 15th field (proc(5)).
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) * MS_PER_TICK;
}
