import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { Receipt } from '../../local/demo/partner.ts';
import { followGuide, type GuidedCopy } from './guided-copy.ts';

// It synthesizes a stage and runs it.

const EVENT_TYPES = 'lambdas/events/event-types';

let copy: GuidedCopy;

beforeAll(() => {
  copy = followGuide('adding-an-event-type.md');
});

afterAll(() => copy.remove());

test('touches one folder', () => {
  expect(copy.changedFiles()).toEqual([
    `${EVENT_TYPES}/course-certificate.ts`,
    `${EVENT_TYPES}/event-types.ts`,
    `${EVENT_TYPES}/lead/lead-types.ts`,
  ]);
});

test('leaves types and lint clean', async () => {
  await copy.checkTypes();
  await copy.run('biome', 'check', '--error-on-warnings', EVENT_TYPES);
});

test('has the new kind tried as the guide shows', async () => {
  const { code, output } = copy.shown('retry-schedule');
  expect(await copy.run('sh', '-euc', code)).toContain(`\n${output}\n`);
});

test('has good events delivered in their time, and faulty ones dead-lettered by the field', async () => {
  const { code, output } = copy.shown('demo');
  const printed = await copy.run('sh', '-euc', `${code} --receipts receipts.jsonl`);
  const anyId = (table: string) => table.replaceAll(/wh_[0-9a-f]{40}/g, 'wh_…');
  expect(anyId(printed)).toContain(`\n${anyId(output)}\n`);

  const linesOf = (file: string) => copy.read(file).trim().split('\n');
  const events = linesOf('events.jsonl').map((line) => JSON.parse(line));
  const receipts: Receipt[] = linesOf('receipts.jsonl').map((line) => JSON.parse(line));
  const [lead, , certificate] = events;
  expect(receipts.map(({ body }) => body).toSorted()).toEqual(
    [certificate, lead].map(({ payload }) => JSON.stringify(payload)).toSorted(),
  );
  const receipt = receipts.find(({ body }) => body === JSON.stringify(lead.payload));
  const waitedMs = Date.parse(receipt?.received_at ?? '') - Date.parse(lead.occurred_at);
  expect(Math.floor(waitedMs / 60_000)).toBe(30);
});
