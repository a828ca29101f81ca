import { expect, test } from '@jest/globals';
import { PAYLOAD_FORMATS } from '../../lambdas/partners/payload-formats/payload-formats.ts';
import { play } from '../../local/demo/script.ts';
import { formatTable, type Row } from '../../local/demo/table.ts';
import { runningSession } from './running-session.ts';

const session = runningSession();

test('every scenario of the demo ends as expected', async () => {
  const rows: Row[] = await play(session(), () => {});

  expect(formatTable(rows.filter(({ isExpected }) => !isExpected))).toBe('');
  expect(rows).toHaveLength(30 + PAYLOAD_FORMATS.length);
});

test('payloads arrive value for value, but for learning_time', () => {
  const { partner } = session();
  const enriched = partner.receipts.find(({ body }) => body.includes('"learning_time"'));
  const { learning_time, ...payload } = JSON.parse(enriched?.body ?? '{}');

  expect(learning_time).toEqual({ total_seconds: 18540, total_hours: 5.15, last_updated: '2026-01-10T00:00:00Z' });
  expect(Object.keys(payload)).toEqual(['user', 'course', 'completion', 'enterprise']);
  expect(enriched?.headers).toMatchObject({
    'content-type': 'application/json',
    'webhook-id': expect.stringMatching(/^wh_[0-9a-f]{40}$/),
  });
});

test('no function logs what is personal, or a secret', async () => {
  const { logs } = await session().evidence([]);
  const text = JSON.stringify(logs);

  expect(logs.length).toBeGreaterThan(20);
  expect(text).not.toContain('learner@example.com');
  expect(text).not.toContain('PRIVATE KEY');
});
