import { type ParseArgsConfig, parseArgs } from 'node:util';

/** An invalid command line; print its message and the usage. */
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

/** @throws UsageError if the text is not a number from `least` to `most` */
export function readNumber(name: string, text: string, least: number, most: number): number {
  const value = Number(text);
  if (text.trim() !== '' && value >= least && value <= most) return value;
  throw new UsageError(`--${name} takes a number from ${least} to ${most}`);
}

/**
 * Runs a program: prints its usage for `--help`, and sets the exit status to 0, to 1 on failure, or to 2 for an invalid
 * command line.
 *
 * @param run returns whether it succeeded
 */
export async function runProgram<Options extends { readonly isHelp: boolean }>(
  { usage, help = usage }: { readonly usage: string; readonly help?: string },
  readOptions: (args: readonly string[]) => Options,
  run: (options: Options) => Promise<boolean>,
): Promise<void> {
  try {
    const options = readOptions(process.argv.slice(2));
    if (options.isHelp) console.log(help);
    else process.exitCode = (await run(options)) ? 0 : 1;
  } catch (thrown) {
    const isUsage = thrown instanceof UsageError;
    console.error(thrown instanceof Error ? thrown.message : thrown);
    if (isUsage) console.error(usage);
    process.exitCode = isUsage ? 2 : 1;
  }
}
