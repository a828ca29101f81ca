import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Receipt } from '../../local/demo/partner.ts';
import { codeOf } from './guide-steps.ts';
import { copyProject, type FollowedGuide } from './guided-copy.ts';

const EVENT_TYPES = 'lambdas/events/event-types';
const PAYLOAD_FORMATS = 'lambdas/partners/payload-formats';

// Both guides are followed in one copy: it is compiled, synthesized and run once.
const copy = copyProject();
afterAll(() => copy.remove());
const eventType = copy.follow('adding-an-event-type.md');
const payloadFormat = copy.follow('adding-a-payload-format.md');

test('types and lint are clean with the additions of both guides', async () => {
  await copy.checkTypes('test/partners', 'test/docs', 'test/e2e/scenarios.test.ts');
  await copy.run('biome', 'check', '--error-on-warnings', EVENT_TYPES, PAYLOAD_FORMATS);
});

describe('another event type', () => {
  test('touches one folder', () => {
    expect(eventType.changedFiles).toEqual([
      `${EVENT_TYPES}/course-certificate.ts`,
      `${EVENT_TYPES}/event-types.ts`,
      `${EVENT_TYPES}/lead/lead-types.ts`,
    ]);
  });

  test('has the attempts that the guide shows', async () => {
    const { code, output } = eventType.shown('retry-schedule');
    expect(await copy.run('sh', '-euc', code)).toContain(`\n${output}\n`);
  });
});

describe('another payload format', () => {
  test('adds one file, and changes the list', () => {
    expect(payloadFormat.changedFiles).toEqual([`${PAYLOAD_FORMATS}/payload-formats.ts`, `${PAYLOAD_FORMATS}/xapi.ts`]);
  });

  test('passes the tests of every format', async () => {
    const names = ['payload-formats', 'payload', 'integration'];
    const files = names.map((name) => `test/partners/${name}.test.ts`);
    const jest = ['--experimental-vm-modules', 'node_modules/jest/bin/jest.js', '-i'];
    await copy.run(process.execPath, ...jest, ...files);
  });

  test('is accepted in an entry, with its option', async () => {
    const { code, output } = payloadFormat.shown('integration validate');
    expect(await copy.run('sh', '-euc', code)).toBe(`${output}\n`);
  });
});

describe('the events of both guides, in one run of the demo', () => {
  const guides = [eventType, payloadFormat] as const;
  let printed: readonly (readonly string[])[];
  let published: readonly string[];
  let receipts: readonly Receipt[];

  beforeAll(async () => {
    const [first, second] = guides.map((guide) => demoOf(guide)) as [Demo, Demo];
    expect(second.play).toBe(`${first.play} --receipts receipts.jsonl`);
    await copy.run('sh', '-euc', first.writeEvents);
    published = copy.linesOf('events.jsonl');
    await copy.run('sh', '-euc', `cp events.jsonl first.jsonl\n${second.writeEvents}\ncat first.jsonl >> events.jsonl`);
    const output = await copy.run('sh', '-euc', second.play);
    printed = output.split('\n').map(cellsOf);
    receipts = copy.linesOf('receipts.jsonl').map((line) => JSON.parse(line));
  });

  test.each([
    ['event type', eventType],
    ['payload format', payloadFormat],
  ])('end as the guide shows: %s', (_, guide) => {
    const rows = demoOf(guide).output.split('\n').map(cellsOf);
    expect(rows.length).toBeGreaterThan(2);
    expect(printed).toEqual(expect.arrayContaining(rows));
  });

  test('of the new types reach the partner as they were published, the lead in half an hour', () => {
    const [lead, , certificate] = published.map((line) => JSON.parse(line));
    const received = receipts.filter(({ integration_id }) => integration_id === lead.integration_id);
    const bodies = [certificate, lead].map(({ payload }) => JSON.stringify(payload));
    expect(received.map(({ body }) => body).toSorted()).toEqual(bodies.toSorted());
    const receipt = received.find(({ body }) => body === JSON.stringify(lead.payload));
    const waitedMs = Date.parse(receipt?.received_at ?? '') - Date.parse(lead.occurred_at);
    expect(Math.floor(waitedMs / 60_000)).toBe(30);
  });

  test('in the new format reach the partner as the guide shows', () => {
    const [shown = ''] = codeOf(payloadFormat.text, 'json');
    const received = receipts.filter(({ integration_id }) => integration_id === 'format-xapi');
    expect(received.map(({ body }) => JSON.parse(body))).toEqual([JSON.parse(shown)]);
  });
});

interface Demo {
  /** Writes the guide's events to `events.jsonl`. */
  readonly writeEvents: string;
  /** The demo's command. */
  readonly play: string;
  readonly output: string;
}

function demoOf(guide: FollowedGuide): Demo {
  const { code, output } = guide.shown('local/demo.ts');
  const at = code.lastIndexOf('\n');
  return { writeEvents: code.slice(0, at), play: code.slice(at + 1), output };
}

/** A row of the demo's table, without what differs between runs: the line in the file and the webhook's id. */
function cellsOf(row: string): readonly string[] {
  return row
    .replace(/wh_[0-9a-f]{40}/, 'wh_…')
    .split(/ {2,}/)
    .slice(1);
}
