import { MAX_SKIP_MS } from '../clock/clock.ts';

/** Commands that change a running platform. */
export type Command =
  | { readonly what: 'flag'; readonly isOn: boolean }
  | { readonly what: 'warehouse'; readonly mode: (typeof WAREHOUSE_MODES)[number] }
  | { readonly what: 'partner'; readonly id: string; readonly behaviour: number | 'up' | 'down' | 'hang' }
  | { readonly what: 'new-secret'; readonly id: string }
  | { readonly what: 'cache' }
  | { readonly what: 'appconfig'; readonly isDown: boolean }
  | { readonly what: 'alarm'; readonly name: string; readonly isInAlarm: boolean }
  | { readonly what: 'skip'; readonly durationMs: number }
  | { readonly what: 'confirm'; readonly address: string }
  | { readonly what: 'mails' }
  | { readonly what: 'status' };

const WAREHOUSE_MODES = ['up', 'down', 'hang'] as const;
const PARTNER_WORDS = ['up', 'down', 'hang'] as const;

export const COMMANDS_USAGE = `usage: npm run local -- COMMAND
  flag on|off                      learning time for all enterprises, or for none
  warehouse up|down|hang           down: connections are reset; hang: no response
  partner ID up|down|hang|STATUS   up: responds 200; STATUS: responds this one, 200 to 599
  partner ID new-secret            it verifies with its integration's newest signing secret from now on
  cache down                       for good: it is back with the next npm start
  appconfig up|down                down: what functions know of flag and integrations stays as it is
  alarm NAME on|off                on: it is in ALARM, and AppConfig rolls back what is deployed meanwhile
  skip DURATION                    moves the platform's clock on by 90s, 30m, 2h or 3d (at most 90d): what is due meanwhile
                                   happens at its time
  mails                            what contacts received: confirmations and notices
  confirm ADDRESS                  a contact follows the link of its confirmation
  status                           what is up, and where events are`;

export const SKIP_USAGE = 'skip takes 90s, 30m, 2h or 3d, from 0s to 90d: the clock cannot go back';

/** `90s`, `30m`, `2h`, `3d` in milliseconds. */
const DURATION = /^(\d{1,7})([smhd])$/;
const UNIT_MS = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** @returns undefined if the arguments are not a command */
export function parseCommand(words: readonly string[]): Command | undefined {
  const [what, first = '', second = ''] = words;
  const expected = what === 'status' || what === 'mails' ? 1 : what === 'partner' || what === 'alarm' ? 3 : 2;
  if (words.length !== expected) return undefined;
  if (what === 'flag' && (first === 'on' || first === 'off')) return { what, isOn: first === 'on' };
  if (what === 'cache' && first === 'down') return { what };
  if (what === 'appconfig' && (first === 'up' || first === 'down')) return { what, isDown: first === 'down' };
  if (what === 'status' || what === 'mails') return { what };
  if (what === 'confirm') return { what, address: first };
  if (what === 'skip') {
    const [, count, unit] = DURATION.exec(first) ?? [];
    const durationMs = Number(count) * UNIT_MS[unit as keyof typeof UNIT_MS];
    return durationMs <= MAX_SKIP_MS ? { what, durationMs } : undefined;
  }
  if (what === 'alarm' && (second === 'on' || second === 'off')) {
    return { what, name: first, isInAlarm: second === 'on' };
  }
  if (what === 'warehouse') {
    const mode = WAREHOUSE_MODES.find((candidate) => candidate === first);
    return mode && { what, mode };
  }
  if (what === 'partner' && second === 'new-secret') return { what: second, id: first };
  if (what === 'partner') {
    const behaviour = /^[2-5]\d\d$/.test(second) ? Number(second) : PARTNER_WORDS.find((word) => word === second);
    return behaviour === undefined ? undefined : { what, id: first, behaviour };
  }
  return undefined;
}
