import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from '@jest/globals';
import { EventsUnreadable, MAX_EVENTS, readEvents, readEventsFile } from '../../../local/demo/read-events.ts';

const directory = mkdtempSync(join(tmpdir(), 'events-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

function file(content: string | Buffer): string {
  const path = join(directory, 'events');
  writeFileSync(path, content);
  return path;
}

describe('one event per line', () => {
  test('each line as it stands, malformed ones too; empty lines count but are no events', () => {
    expect(readEvents('{"a": 1.0}\r\n\n{"a":\n  [1]\n')).toEqual([
      { line: 1, body: '{"a": 1.0}' },
      { line: 3, body: '{"a":' },
      { line: 4, body: '[1]' },
    ]);
  });

  test('a first line that is an array by itself makes no array of the file', () => {
    expect(readEvents('[{"a":1}]\n{"b":2}').map(({ body }) => body)).toEqual(['[{"a":1}]', '{"b":2}']);
  });
});

describe('JSON as a whole', () => {
  test('an array: its events, numbers as they were written, by their place', () => {
    expect(readEvents('[\n  {"big": 12345678901234567890, "one": 1.0},\n  7\n]')).toEqual([
      { line: 1, body: '{"big":12345678901234567890,"one":1.0}' },
      { line: 2, body: '7' },
    ]);
  });

  test('an array that breaks off is refused, not published in pieces', () => {
    expect(() => readEvents('[\n  {"a": 1},\n')).toThrow('it starts as a JSON array, but:');
  });
});

test.each([
  ['empty', ''],
  ['an empty array', '[]'],
])('%s: no events', (_what, text) => {
  expect(() => readEvents(text)).toThrow('it has no events');
});

test('too many events', () => {
  expect(readEvents('{}\n'.repeat(MAX_EVENTS))).toHaveLength(MAX_EVENTS);
  expect(() => readEvents('{}\n'.repeat(MAX_EVENTS + 1))).toThrow('it has 501 events, more than 500');
});

describe('files', () => {
  test('a byte order mark is no part of the first event', () => {
    expect(readEventsFile(file('\uFEFF{}'))).toEqual([{ line: 1, body: '{}' }]);
  });

  test.each([
    ['missing', () => join(directory, 'none'), /none: there is no such file$/],
    ['a directory', () => directory, /: it is a directory$/],
    ['not UTF-8', () => file(Buffer.from([0x7b, 0xff, 0x7d])), /: it is not UTF-8 text$/],
    ['empty', () => file(''), /: it has no events$/],
  ])('%s: said with its name', (_what, path, message) => {
    const read = () => readEventsFile(path());
    expect(read).toThrow(EventsUnreadable);
    expect(read).toThrow(message);
  });
});
