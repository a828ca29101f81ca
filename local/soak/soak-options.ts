import { readFlags, readNumber } from '../command-line.ts';

export const SOAK_USAGE = `usage: npm run soak -- [--events N] [--kills-per-second N] [--seed N]
  publishes events, every tenth three times at once, and kills functions at random; redrives dead letters twice; then
  holds what partners counted against what the ledger says
  --events N            events, 10 to 100000 (default 1000)
  --kills-per-second N  functions killed, each with SIGKILL while it works, 0 to 20 (default 0.5).
                        A cold start takes a second of a core: with more, two cores do nothing else
  --seed N              decides which functions are killed (default 1)
  ends with 0 where every event reached its partner and the ledger says so, else with 1`;

export interface SoakOptions {
  readonly isHelp: boolean;
  readonly events: number;
  readonly killsPerSecond: number;
  readonly seed: number;
}

/** @throws UsageError */
export function readSoakOptions(args: readonly string[]): SoakOptions {
  const values = readFlags(args, {
    events: { type: 'string', default: '1000' },
    'kills-per-second': { type: 'string', default: '0.5' },
    seed: { type: 'string', default: '1' },
    help: { type: 'boolean', short: 'h', default: false },
  });
  return {
    isHelp: values.help,
    events: Math.round(readNumber('events', values.events, 10, 100_000)),
    killsPerSecond: readNumber('kills-per-second', values['kills-per-second'], 0, 20),
    seed: Math.round(readNumber('seed', values.seed, 0, 2 ** 32 - 1)),
  };
}
