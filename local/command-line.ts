import { type ParseArgsConfig, parseArgs } from 'node:util';

/** A command line that is not understood; its message says why, and the usage should follow. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** The options of a command line, without positional arguments. @throws UsageError */
export function readFlags<T extends NonNullable<ParseArgsConfig['options']>>(args: readonly string[], options: T) {
  try {
    return parseArgs({ args: [...args], options, strict: true, allowPositionals: false }).values;
  } catch (thrown) {
    throw new UsageError((thrown as Error).message);
  }
}

/** @throws UsageError where the text is no number from `least` to `most` */
export function readNumber(name: string, text: string, least: number, most: number): number {
  const value = Number(text);
  if (text.trim() !== '' && value >= least && value <= most) return value;
  throw new UsageError(`--${name} takes a number from ${least} to ${most}`);
}
