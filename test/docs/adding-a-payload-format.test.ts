import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import type { Receipt } from '../../local/demo/partner.ts';
import { followGuide, type GuidedCopy } from './guided-copy.ts';

// It synthesizes a stage and runs it.
jest.setTimeout(120_000);

const PAYLOAD_FORMATS = 'lambdas/partners/payload-formats';

let copy: GuidedCopy;

beforeAll(() => {
  copy = followGuide('adding-a-payload-format.md');
});

afterAll(() => copy.remove());

test('adds one file, and changes the list', () => {
  expect(copy.changedFiles()).toEqual([`${PAYLOAD_FORMATS}/payload-formats.ts`, `${PAYLOAD_FORMATS}/xapi.ts`]);
});

test('leaves types and lint clean, and passes the tests of every format', async () => {
  await copy.checkTypes('test/partners', 'test/partners/payload.test.ts', 'test/docs', 'test/e2e/scenarios.test.ts');
  await copy.run('biome', 'check', '--error-on-warnings', PAYLOAD_FORMATS);
  await copy.run(
    ...([process.execPath, '--experimental-vm-modules', 'node_modules/jest/bin/jest.js'] as const),
    ...['test/partners/payload-formats.test.ts', 'test/partners/payload.test.ts', 'test/partners/integration.test.ts'],
  );
});

test('is accepted in an entry, with its option', async () => {
  const { code, output } = copy.shown('integration validate');
  expect(await copy.run('sh', '-euc', code)).toBe(`${output}\n`);
});

test('is what the partner receives, and a payload that does not fit is dead-lettered by the field', async () => {
  const { code, output } = copy.shown('demo');
  const printed = await copy.run('sh', '-euc', code);
  const anyId = (table: string) => table.replaceAll(/wh_[0-9a-f]{40}/g, 'wh_…');
  expect(anyId(printed)).toContain(`\n${anyId(output)}\n`);

  const receipts: Receipt[] = copy
    .read('receipts.jsonl')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  const [, shown = ''] = /```json\n(.*?)```/s.exec(copy.read('docs/adding-a-payload-format.md')) ?? [];
  expect(receipts.map(({ body }) => JSON.parse(body))).toEqual([JSON.parse(shown)]);
});
