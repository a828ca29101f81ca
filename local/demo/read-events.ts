import { readFileSync } from 'node:fs';
import { parseKeepingNumbers, toMessageText } from '../../lambdas/shared/json-text.ts';

/** Maximum number of events: outcomes are read from the logs, of which only the last lines are stored. */
export const MAX_EVENTS = 500;

/** One message to publish, with its position in the file. */
export interface FileEvent {
  /** Line number, or position in an array; from 1. */
  readonly line: number;
  readonly body: string;
}

/** The message is one line for the user. */
export class EventsUnreadable extends Error {
  override readonly name = 'EventsUnreadable';
}

/** @throws EventsUnreadable if the file cannot be read, is not UTF-8, or has no events or too many */
export function readEventsFile(file: string): FileEvent[] {
  let bytes: Buffer;
  try {
    bytes = readFileSync(file);
  } catch (thrown) {
    const { code, message } = thrown as NodeJS.ErrnoException;
    const why = { ENOENT: 'there is no such file', EISDIR: 'it is a directory', EACCES: 'permission denied' }[
      `${code}`
    ];
    throw new EventsUnreadable(`${file}: ${why ?? message}`);
  }
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw new EventsUnreadable(`${file}: it is not UTF-8 text`);
  }
  try {
    return readEvents(text);
  } catch (thrown) {
    throw new EventsUnreadable(`${file}: ${(thrown as Error).message}`);
  }
}

/**
 * The events of a JSON array, of one JSON object, or of lines with one event each. Lines are published unchanged, even if
 * malformed, as a faulty LMS would; empty lines are skipped.
 *
 * @throws Error if there are none or too many, or if an array is not valid JSON
 */
export function readEvents(text: string): FileEvent[] {
  const whole = text.trim();
  const events = ofWhole(whole) ?? ofLines(text);
  if (events.length === 0) throw new Error('it has no events');
  if (events.length > MAX_EVENTS) throw new Error(`it has ${events.length} events, more than ${MAX_EVENTS}`);
  return events;
}

/** The events of a JSON text; undefined if it is not JSON as a whole. */
function ofWhole(whole: string): FileEvent[] | undefined {
  let value: unknown;
  try {
    value = parseKeepingNumbers(whole);
  } catch (thrown) {
    // Lines of an incomplete array are not events.
    if (/^\[\s*(\{|$)/.test(whole) && !isJson(whole.split('\n', 1)[0] ?? '')) {
      throw new Error(`it starts as a JSON array, but: ${(thrown as Error).message}`);
    }
    return undefined;
  }
  if (!Array.isArray(value)) return [{ line: 1, body: whole }];
  return value.map((event, index) => ({ line: index + 1, body: toMessageText(event) }));
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

function ofLines(text: string): FileEvent[] {
  return text.split('\n').flatMap((raw, index) => {
    const body = raw.trim();
    return body === '' ? [] : [{ line: index + 1, body }];
  });
}
