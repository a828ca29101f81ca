import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';

/** Whether a process with this id lives. */
export function lives(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** Ids of all processes that a process has started, and that those have. */
export function descendants(pid: number): number[] {
  const parents = parentsOfAll();
  const children = [...parents].filter(([, parent]) => parent === pid).map(([child]) => child);
  return children.flatMap((child) => [child, ...descendants(child)]);
}

/**
 * Addresses on which a process listens for TCP: `127.0.0.1`, `0.0.0.0`; of IPv6 in the kernel's own notation. Undefined
 * where the system does not tell (macOS).
 */
export function listeningAddresses(pid: number): string[] | undefined {
  if (!existsSync(`/proc/${pid}/net/tcp`)) return undefined;
  const inodes = new Set(
    readdirSync(`/proc/${pid}/fd`).flatMap((fd) => {
      const target = readlinkSync(`/proc/${pid}/fd/${fd}`);
      return target.match(/^socket:\[(\d+)\]$/)?.[1] ?? [];
    }),
  );
  const lines = ['tcp', 'tcp6'].flatMap((name) =>
    readFileSync(`/proc/${pid}/net/${name}`, 'utf8').split('\n').slice(1),
  );
  return lines
    .map((line) => line.trim().split(/\s+/))
    .filter(([, , , state, , , , , , inode]) => state === '0A' && inodes.has(String(inode)))
    .map(([, local = '']) => {
      const [address = ''] = local.split(':');
      return address.length > 8
        ? address
        : (address.match(/../g) ?? [])
            .reverse()
            .map((byte) => parseInt(byte, 16))
            .join('.');
    });
}

/** By process id. Slim containers have no `ps`, macOS no `/proc`. */
function parentsOfAll(): Map<number, number> {
  if (!existsSync('/proc/self/stat')) {
    const lines = execFileSync('ps', ['-A', '-o', 'pid=,ppid='], { encoding: 'utf8' }).trim().split('\n');
    return new Map(lines.map((line) => line.trim().split(/\s+/).map(Number) as [number, number]));
  }
  const ids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  return new Map(
    ids.flatMap((id): [number, number][] => {
      try {
        // "pid (name) state ppid …": the name may hold anything, so count from its end.
        const stat = readFileSync(`/proc/${id}/stat`, 'utf8');
        return [[Number(id), Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1])]];
      } catch {
        return [];
      }
    }),
  );
}
