import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { readTextFile } from '../../../commands/shared/read-file.ts';

let directory: string;

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'read-file-'));
});

afterAll(() => rmSync(directory, { recursive: true }));

const read = (bytes: Buffer) => {
  const file = join(directory, 'file.json');
  writeFileSync(file, bytes);
  return readTextFile(file);
};
const JSON_TEXT = '{"id": "é"}';

test.each([
  ['UTF-8', Buffer.from(JSON_TEXT)],
  ['UTF-8 with a byte order mark', Buffer.from(`\uFEFF${JSON_TEXT}`)],
  ['UTF-16, little end first', Buffer.from(`\uFEFF${JSON_TEXT}`, 'utf16le')],
  ['UTF-16, big end first', Buffer.from(`\uFEFF${JSON_TEXT}`, 'utf16le').swap16()],
])('a file in %s is read', (_, bytes) => expect(read(bytes)).toBe(JSON_TEXT));

test('bytes that are no text are reported in one line, without them', () => {
  expect(() => read(Buffer.from('{"a": "h\xfcnter2"}', 'latin1'))).toThrow(/file\.json is not text in UTF-8$/);
});

test.each([
  ['/nowhere/file.json', /there is no such file$/],
  [import.meta.dirname, /it is a directory$/],
])('%s is reported in one line', (file, reason) => expect(() => readTextFile(file)).toThrow(reason));
