import type { ParseArgsConfig } from 'node:util';
import { readNumber } from '../local/command-line.ts';
import type { Figure } from './figure.ts';

/** Options of a command line, as text. */
export type Values = Readonly<Record<string, string | boolean | undefined>>;

/** One benchmark: `npm run bench -- <name>`. */
export interface Bench {
  /** In one line, for the usage. */
  readonly about: string;
  /** Its options with defaults, chosen so that all benchmarks run in ten minutes on two cores. */
  readonly options: NonNullable<ParseArgsConfig['options']>;
  /** A line for each option, for the usage. */
  readonly usage: readonly string[];
  measure(values: Values): Promise<readonly Figure[]>;
}

/** A numeric option. @throws UsageError if it is not a number from `least` to `most` */
export function numberOf(values: Values, name: string, least: number, most: number): number {
  return readNumber(name, String(values[name]), least, most);
}

/** Forwards in one round and backwards in the next, so that other load of the machine affects all of them. */
export function inTurn<T>(all: readonly T[], round: number): readonly T[] {
  return round % 2 === 0 ? all : all.toReversed();
}

/** Number of rounds, and duration of each measurement. */
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
