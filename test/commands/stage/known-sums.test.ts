import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { readKnownSums } from '../../../commands/stage/known-sums.ts';
import type { KnownSum } from '../../../lambdas/warehouse/check.ts';

const HEADER = 'user_id,course_id,enterprise_customer_uuid,total_seconds';
const LINE = 'course-v1:edX+DemoX+Demo_Course,a1b2c3d4-e5f6-7890-abcd-ef1234567890';
let directory: string;

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'known-sums-'));
});

afterAll(() => rmSync(directory, { recursive: true }));

function read(text: string): KnownSum[] {
  const file = join(directory, 'sums.csv');
  writeFileSync(file, text);
  return readKnownSums(file);
}

describe('known sums', () => {
  test.each([
    ['as they stand', `${HEADER}\n1,${LINE},18540\n`],
    ['as spreadsheets write them', `\uFEFF${HEADER}\r\n1,${LINE},18540\r\n`],
    ['without a last line end', `${HEADER}\n1,${LINE},18540`],
    ['with decimals that are zero', `${HEADER}\n1,${LINE},18540.00`],
    ['in scientific notation', `${HEADER}\n1,${LINE},1.854e+04`],
  ])('are read %s', (_how, text) => {
    const [course_id, enterprise_customer_uuid] = LINE.split(',');
    expect(read(text)).toEqual([{ user_id: '1', course_id, enterprise_customer_uuid, total_seconds: 18_540 }]);
  });

  test('come back as they were written, whatever they are', () => {
    const sum = fc.record({
      user_id: fc.stringMatching(/^[1-9]\d{0,17}$/),
      course_id: fc
        .string({ unit: 'grapheme', minLength: 1, maxLength: 60 })
        .filter((text) => /^[^\s,"\uFFFE\uFFFF]{1,255}$/.test(text)),
      enterprise_customer_uuid: fc.uuid(),
      total_seconds: fc.nat(),
    });
    const sums = fc.uniqueArray(sum, { selector: ({ user_id }) => user_id, minLength: 1, maxLength: 100 });
    fc.assert(
      fc.property(sums, (drawn) => {
        const lines = drawn.map((each) => Object.values(each).join(','));
        expect(read([HEADER, ...lines].join('\n'))).toEqual(drawn.map((each) => ({ ...each })));
      }),
      { numRuns: 50 },
    );
  });

  test('are at most 100', () => {
    const lines = (count: number) => Array.from({ length: count }, (_, index) => `${index},${LINE},0`).join('\n');
    expect(read(`${HEADER}\n${lines(100)}`)).toHaveLength(100);
    expect(() => read(`${HEADER}\n${lines(101)}`)).toThrow(/has 101 sums: at most 100/);
  });
});

const NO_SUMS: [string, RegExp][] = [
  ['', /line 1: must be user_id,course_id/],
  ['user,course,enterprise,seconds\n', /line 1: must be/],
  [`${HEADER}\n`, /has no sums/],
  [`${HEADER}\n1,${LINE},1\n\n`, /line 3: has 1 values/],
  [`${HEADER}\n1,${LINE}`, /line 2: has 3 values/],
  [`${HEADER}\n1,${LINE},1,2`, /line 2: has 5 values/],
  [`${HEADER}\n1,"a,b",e,1`, /line 2: values stand without quotation marks/],
  [`${HEADER}\nada,${LINE},1`, /line 2: user_id: must be 1-18 digits/],
  [`${HEADER}\n1,,e,1`, /line 2: course_id: must be/],
  [`${HEADER}\n1,c,e e,1`, /line 2: enterprise_customer_uuid: must be/],
  [`${HEADER}\n1,${LINE},1\n2,${LINE},1\n01,${LINE},2`, /line 4: the same key as in line 2/],
  ['x'.repeat(200_000), /is over 128 KiB/],
];
const NO_SECONDS = ['', '-1', '1.5', '1e', '0x10', 'x', ' 1', '9007199254740993'];

describe('fails and names the line', () => {
  test.each(NO_SUMS)('case %#', (text, message) => {
    expect(() => read(text)).toThrow(expect.objectContaining({ name: 'CommandFailed' }));
    expect(() => read(text)).toThrow(message);
  });

  test.each(NO_SECONDS)('%j is no number of seconds', (seconds) => {
    expect(() => read(`${HEADER}\n1,${LINE},${seconds}`)).toThrow(/line 2: total_seconds: must be a whole number/);
  });

  test.each([
    [import.meta.dirname, /is a directory/],
    ['/dev/zero', /is over 128 KiB/],
  ])('or the file, as of %s', (file, message) => {
    expect(() => readKnownSums(file)).toThrow(expect.objectContaining({ name: 'CommandFailed' }));
    expect(() => readKnownSums(file)).toThrow(message);
  });
});
