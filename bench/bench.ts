import type { ParseArgsConfig } from 'node:util';
import { readNumber } from '../local/command-line.ts';
import type { Figure } from './figure.ts';

/** Options as text, as they stand on a command line. */
export type Values = Readonly<Record<string, string | boolean | undefined>>;

/** One benchmark: `npm run bench -- <name>`. */
export interface Bench {
  /** In one line, for the usage. */
  readonly about: string;
  /** Its options, with defaults for a run of all benchmarks: ten minutes on two cores are for all of them. */
  readonly options: NonNullable<ParseArgsConfig['options']>;
  /** A line for each option, for the usage. */
  readonly usage: readonly string[];
  measure(values: Values): Promise<readonly Figure[]>;
}

/** A number among the options. @throws UsageError where it is none from `least` to `most` */
export function numberOf(values: Values, name: string, least: number, most: number): number {
  return readNumber(name, String(values[name]), least, most);
}

/** Forwards in one round and backwards in the next, so that what else the machine does affects all of them. */
export function inTurn<T>(all: readonly T[], round: number): readonly T[] {
  return round % 2 === 0 ? all : all.toReversed();
}

/** How often everything is measured in turn, and for how long each time. */
export function paceOf(values: Values): { readonly rounds: number; readonly seconds: number } {
  return { rounds: numberOf(values, 'rounds', 1, 1000), seconds: numberOf(values, 'seconds', 0.01, 600) };
}

/** The options that `paceOf` reads. */
export function pace(rounds: number, seconds: number) {
  return {
    rounds: { type: 'string', default: String(rounds) },
    seconds: { type: 'string', default: String(seconds) },
  } as const;
}
