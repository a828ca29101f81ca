import type { LogLine } from '../function-process.ts';
import type { Platform } from '../platform.ts';
import type { LogFields } from './observe.ts';

/** Each line is parsed once: a condition reads all of them for every jump of the clock. */
const parsed = new WeakMap<LogLine, LogFields[]>();

/** Every line of JSON that a function logged. */
export function readLogs(platform: Platform): LogFields[] {
  return platform.functions.all().flatMap((pool) => pool.logs().flatMap(fieldsOf));
}

/** What functions threw, each once: `<handler>: <error>: <message>`. */
export function readThrown(platform: Platform): string[] {
  const lines = platform.functions.all().flatMap((pool) =>
    pool.logs().flatMap(({ text }) => {
      const [, error] = text.split('Invoke Error\t');
      if (error === undefined) return [];
      const { errorType, errorMessage } = JSON.parse(error);
      return [`${pool.handlerName}: ${errorType}: ${errorMessage}`];
    }),
  );
  return [...new Set(lines)];
}

function fieldsOf(line: LogLine): LogFields[] {
  const fields = parsed.get(line) ?? parseLine(line.text);
  parsed.set(line, fields);
  return fields;
}

function parseLine(text: string): LogFields[] {
  try {
    const line: unknown = JSON.parse(text);
    return typeof line === 'object' && line !== null ? [line as LogFields] : [];
  } catch {
    return [];
  }
}
