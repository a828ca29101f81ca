import { readNumber, UsageError } from '../../local/command-line.ts';

/** @throws UsageError where the text is no whole number from `least` to `most` */
export function readWhole(name: string, text: string, least: number, most: number): number {
  const value = readNumber(name, text, least, most);
  if (Number.isInteger(value)) return value;
  throw new UsageError(`--${name} takes a whole number from ${least} to ${most}`);
}
