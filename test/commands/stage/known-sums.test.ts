import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { readKnownSums } from '../../../commands/stage/known-sums.ts';

const HEADER = 'user_id,course_id,enterprise_customer_uuid,total_seconds';
const SUM = { user_id: '1', course_id: 'course-v1:edX+DemoX', enterprise_customer_uuid: 'a1b2', total_seconds: 18_540 };
const LINE = `${SUM.course_id},${SUM.enterprise_customer_uuid}`;
let directory: string;

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'known-sums-'));
});

afterAll(() => rmSync(directory, { recursive: true }));

function read(text: string) {
  const file = join(directory, 'sums.csv');
  writeFileSync(file, text);
  return readKnownSums(file);
}

test.each([
  ['as spreadsheets write them', `\uFEFF${HEADER}\r\n1,${LINE},18540\r\n`],
  ['with decimals that are zero', `${HEADER}\n1,${LINE},18540.00\n`],
  ['in scientific notation', `${HEADER}\n1,${LINE},1.854e+04`],
])('sums are read %s', (_how, text) => {
  expect(read(text)).toEqual([SUM]);
});

test('up to 100 sums are read as they were written', () => {
  const course_id = fc
    .string({ unit: 'grapheme', minLength: 1, maxLength: 60 })
    .filter((text) => /^[^\s,"\uFFFE\uFFFF]{1,255}$/.test(text));
  const user_id = fc.stringMatching(/^[1-9]\d{0,17}$/);
  const sum = fc.record({ user_id, course_id, enterprise_customer_uuid: fc.uuid(), total_seconds: fc.nat() });
  const sums = fc.uniqueArray(sum, { selector: (one) => one.user_id, minLength: 1, maxLength: 100 });
  fc.assert(
    fc.property(sums, (drawn) => {
      const lines = drawn.map((each) => Object.values(each).join(','));
      expect(read([HEADER, ...lines].join('\n'))).toEqual(drawn.map((each) => ({ ...each })));
    }),
    { numRuns: 30 },
  );
  const lines = (count: number) => Array.from({ length: count }, (_, index) => `${index},${LINE},0`).join('\n');
  expect(read(`${HEADER}\n${lines(100)}`)).toHaveLength(100);
  expect(() => read(`${HEADER}\n${lines(101)}`)).toThrow(/has 101 sums: at most 100/);
});

const NO_SECONDS = ['', '-1', '1.5', '1e', '0x10', 'x', ' 1', '9007199254740993'];

test.each<[string, RegExp]>([
  ['user,course,enterprise,seconds\n', /line 1: must be user_id,course_id/],
  [`${HEADER}\n`, /has no sums/],
  [`${HEADER}\n1,${LINE},1\n\n`, /line 3: has 1 values/],
  [`${HEADER}\n1,${LINE},1,2`, /line 2: has 5 values/],
  [`${HEADER}\n1,"a,b",e,1`, /line 2: values have no quotation marks/],
  [`${HEADER}\nada,${LINE},1`, /line 2: user_id: must be 1-18 digits/],
  [`${HEADER}\n1,,e,1`, /line 2: course_id: must be/],
  [`${HEADER}\n1,c,e e,1`, /line 2: enterprise_customer_uuid: must be/],
  ...NO_SECONDS.map((seconds): [string, RegExp] => [
    `${HEADER}\n1,${LINE},${seconds}`,
    /line 2: total_seconds: must be a whole number/,
  ]),
  [`${HEADER}\n1,${LINE},1\n2,${LINE},1\n01,${LINE},2`, /line 4: the same key as in line 2/],
  ['x'.repeat(200_000), /is over 128 KiB/],
])('case %# is refused, with its line', (text, message) => {
  expect(() => read(text)).toThrow(
    expect.objectContaining({ name: 'CommandFailed', message: expect.stringMatching(message) }),
  );
});

test.each([
  [import.meta.dirname, /is a directory/],
  ['/dev/zero', /is over 128 KiB/],
])('%s is no file of sums', (file, message) => {
  expect(() => readKnownSums(file)).toThrow(message);
});
