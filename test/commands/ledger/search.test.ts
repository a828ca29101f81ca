import { expect, test } from '@jest/globals';
import { eachTest } from '../../support/each-test.ts';
import { DEAD, DELIVERED, startLedgerOperator } from './ledger-operator.ts';

const operator = eachTest(startLedgerOperator);

test('finds the deliveries of a learner in the whole table, and prints what it read and cost', async () => {
  operator.at(2);
  const earlier = await operator.delivery({ event_id: '1', user_id: '4711' }, DEAD);
  operator.at(1);
  const { webhook_id: later } = await operator.accept({ event_id: '2', user_id: '4711' });
  await operator.delivery({ event_id: '3', user_id: '47110' }, DELIVERED);
  expect(await operator.run('search', '--user-id', '4711')).toBe(0);
  const [title = '', , ...rows] = operator.world.printed().split('\n');
  expect(title).toMatch(/^2 deliveries of stage local \(\d+ rows read, under \$0\.0001\)$/);
  expect(rows.map((row) => row.split(/ +/).slice(0, 5))).toEqual([
    [later, 'acme', '-', '2026-01-15T11:00:00Z', 'accepted'],
    [earlier, 'acme', 'course_completion', '2026-01-15T10:00:00Z', 'dead'],
  ]);
});

test('finds those of a course, as JSON', async () => {
  const course = 'course-v1:Another+Course+Run';
  const id = await operator.delivery({ event_id: '1', course_id: course }, DELIVERED);
  await operator.delivery({ event_id: '2' }, DELIVERED);
  expect(await operator.run('search', '--course-id', course, '--json')).toBe(0);
  expect(operator.document()).toMatchObject({ total: 1, deliveries: [{ webhook_id: id, state: 'delivered' }] });
});

test('says that there is none', async () => {
  expect(await operator.run('search', '--user-id', '4711')).toBe(0);
  expect(operator.world.printed()).toMatch(/^none: the ledger of stage local holds no such event \(0 rows read, /);
});

test.each([
  [['search'], '--user-id or --course-id says whose'],
  [
    ['search', '--user-id', '1', '--course-id', 'x'],
    "option '--course-id <id>' cannot be used with option '--user-id <n>'",
  ],
])('%j is refused', async (words, message) => {
  await expect(operator.run(...words)).rejects.toThrow(message);
});

test('lists the latest hundred of more', async () => {
  for (let at = 0; at < 103; at += 1) {
    operator.at(1 + at / 100);
    await operator.accept({ event_id: String(at), user_id: '4711' });
  }
  await operator.run('search', '--user-id', '4711');
  const lines = operator.world.printed().split('\n');
  expect(lines[0]).toMatch(/^103 deliveries/);
  expect(lines).toHaveLength(103);
  expect(lines.at(-1)).toBe('and 3 more, accepted before these');
});
