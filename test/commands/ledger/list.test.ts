import { expect, test } from '@jest/globals';
import { eachTest } from '../../support/each-test.ts';
import { DEAD, DELIVERED, PARKED, SCHEDULED, startLedgerOperator } from './ledger-operator.ts';

// Every question asks the table’s sixteen partitions of a day: on a busy machine that takes seconds.

const operator = eachTest(startLedgerOperator);

const at = (hoursAgo: number) => operator.at(hoursAgo);

/** The ids of the table that was printed last, in its order. */
const listed = () => [...operator.world.printed().matchAll(/^(?:\S+ +)?(wh_[0-9a-f]{40}) /gm)].map(([, id]) => id);

test('all that are dead, of all integrations and days, the latest first, each with its reason', async () => {
  at(50);
  const first = await operator.webhook({ event_id: '1' }, DEAD);
  at(1);
  const refused = { outcome: 'dead', reason: 'the certificate\nhas expired' } as const;
  const second = await operator.webhook({ event_id: '2', integration_id: 'globex' }, { ...DEAD, progress: refused });
  await operator.webhook({ event_id: '3' }, DELIVERED);
  at(0);
  expect(await operator.run('list', '--state', 'dead')).toBe(0);
  expect(operator.world.printed()).toBe(`2 dead, of what stage local accepted since 2025-12-31T12:00:00Z
webhook                                      integration  type               accepted              since                 attempts  reason
${second}  globex       course_completion  2026-01-15T11:00:00Z  2026-01-15T11:00:00Z  1         the certificate has expired
${first}  acme         course_completion  2026-01-13T10:00:00Z  2026-01-13T10:00:00Z  1         HTTP 404`);
});

test('narrowed down by integration, by time, by reason and by number', async () => {
  for (const hoursAgo of [40, 30, 20, 10]) {
    at(hoursAgo);
    const integration_id = hoursAgo === 20 ? 'globex' : 'acme';
    const reason = hoursAgo === 10 ? 'HTTP 410' : 'HTTP 404';
    await operator.webhook(
      { event_id: `${hoursAgo}`, integration_id },
      { progress: { outcome: 'dead', reason }, attempt: { status: 404 } },
    );
  }
  at(0);
  const count = async (...words: readonly string[]) => {
    await operator.run('list', '--state', 'dead', ...words);
    const line = operator.world
      .printed()
      .split('\n')
      .findLast((text) => / dead, of what |^none/.test(text));
    return line?.split(' ')[0];
  };
  expect(await count('--integration', 'acme')).toBe('3');
  expect(await count('--since', '25h')).toBe('2');
  expect(await count('--until', '25h')).toBe('2');
  expect(await count('--error', '410')).toBe('1');
  expect(await count('--error', 'teapot')).toBe('none:');
  expect(operator.world.printed()).toContain('none: no dead webhook whose reason contains “teapot” of stage local');
  expect(await count('--number', '1')).toBe('4');
  expect(operator.world.printed()).toMatch(/and 3 more, accepted before these: --number shows more.*$/);
});

test('those that no record lists, found by their events: never claimed, and claimed for the first time', async () => {
  const { webhook_id: unclaimed } = await operator.accept({ event_id: '1' });
  const { webhook_id: claimed } = (await operator.claim(await operator.accept({ event_id: '2' }))).delivery;
  await operator.webhook({ event_id: '3' }, SCHEDULED);
  await operator.run('list', '--state', 'accepted');
  expect(listed()).toEqual([unclaimed]);
  await operator.run('list', '--state', 'delivering');
  expect(listed()).toEqual([unclaimed, claimed]);
});

test('as JSON: all of them are counted, and as many as are asked for are there', async () => {
  const id = await operator.webhook({ event_id: '1' }, PARKED);
  at(2);
  await operator.webhook({ event_id: '2' }, PARKED);
  at(0);
  await operator.run('list', '--state', 'parked', '--number', '1', '--json');
  expect(operator.document()).toMatchObject({
    stage: 'local',
    state: 'parked',
    until: null,
    total: 2,
    webhooks: [{ webhook_id: id, state: 'parked', reason: 'parked: it is paused' }],
  });
});
