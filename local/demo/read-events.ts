import { readFileSync } from 'node:fs';
import { parseKeepingNumbers, toMessageText } from '../../lambdas/shared/json-text.ts';

/** The most events of one file: functions keep only their last lines of output, by which outcomes are seen. */
export const MAX_EVENTS = 500;

/** One message to publish, and where it stands in its file. */
export interface FileEvent {
  /** The line in a file of lines, the place in an array; from 1. */
  readonly line: number;
  readonly body: string;
}

/** What a person is told of their file, in one line. */
export class EventsUnreadable extends Error {
  override readonly name = 'EventsUnreadable';
}

/** @throws EventsUnreadable where the file cannot be read, is not UTF-8, or holds no events or too many */
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
 * The events of a text that is a JSON array of them, one JSON object, or one JSON event per line. A line is published
 * as it stands, malformed or not, as an LMS with a fault would; empty lines are skipped.
 *
 * @throws Error where there are none or too many, or what looks like an array is no JSON
 */
export function readEvents(text: string): FileEvent[] {
  const whole = text.trim();
  const events = ofWhole(whole) ?? ofLines(text);
  if (events.length === 0) throw new Error('it holds no events');
  if (events.length > MAX_EVENTS) throw new Error(`it holds ${events.length} events, at most ${MAX_EVENTS} are taken`);
  return events;
}

/** The events of a text that is JSON as a whole; undefined where it is not. */
function ofWhole(whole: string): FileEvent[] | undefined {
  let value: unknown;
  try {
    value = parseKeepingNumbers(whole);
  } catch (thrown) {
    // Half an array is not worth publishing line by line.
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
