import { expect, test } from '@jest/globals';
import { ledger } from '../../../commands/ledger.ts';
import { eachTest } from '../../support/each-test.ts';
import { startOperatorWorld } from '../operator-world.ts';
import { startLedgerOperator } from './ledger-operator.ts';

const operator = eachTest(startLedgerOperator);

test.each([
  [[], /no command given/],
  [['remember'], /there is no command remember/],
  [['show'], /show takes the id of a webhook, or --integration and --event-id/],
  [['show', 'wh_1', '--integration', 'acme', '--event-id', 'e'], /show takes/],
  [['show', '--event-id', 'e'], /show takes/],
  [['show', 'wh_1', 'wh_2'], /wh_2/],
  [['last'], /last takes --integration/],
  [['last', '--integration', 'Not an id'], /Not an id cannot be the id of an integration/],
  [['last', '--integration', 'acme', '--number', '0'], /--number takes a number from 1 to 10000/],
  [['list'], /--state takes one of accepted, delivering, scheduled, parked, delivered, dead, unwanted, cancelled/],
  [['list', '--state', 'failed'], /--state takes one of/],
  [['list', '--state', 'dead', '--since', 'yesterday'], /--since takes 30m, 24h or 7d/],
  [['list', '--state', 'dead', '--number', '1.5'], /--number takes a whole number/],
  [['count', '--until', '2d'], /--until 2d is before/],
  [['forget'], /forget takes --user-id or --containing/],
  [['forget', '--user-id', 'sample_learner'], /--user-id takes the number/],
  [['forget', '--containing', '@ex'], /--containing takes at least 4 characters/],
  [['forget', '--user-id', '42', '--json'], /--json asks nothing: --yes or --dry-run has to say/],
])('%j is a usage error', async (words, message) => {
  await expect(operator.run(...words)).rejects.toMatchObject({
    name: 'UsageError',
    message: expect.stringMatching(message),
  });
  expect(operator.front.calls).toEqual([]);
});

test('a table that denies it is one line, whatever was asked', async () => {
  operator.front.decide(() => ({
    status: 400,
    answer: { __type: 'com.amazon.coral.service#AccessDeniedException', message: 'not authorized: dynamodb:Query' },
  }));
  for (const words of [['count'], ['last', '--integration', 'acme'], ['forget', '--user-id', '42', '--yes']]) {
    await expect(operator.run(...words)).rejects.toMatchObject({
      name: 'CommandFailed',
      message: 'AWS denies it to you: not authorized: dynamodb:Query',
    });
  }
});

test.each([
  [{}, /no output LedgerTableName: start the platform again/],
  [
    { LedgerTableName: 'ledger', LedgerPayloadDays: '30', LedgerFactsDays: 'soon' },
    /LedgerFactsDays .* is no number of days: soon/,
  ],
])('a stage with the outputs %j is too old', async (outputs, message) => {
  const world = await startOperatorWorld({ outputs });
  await expect(ledger(['count'], world.context)).rejects.toMatchObject({
    name: 'CommandFailed',
    message: expect.stringMatching(message),
  });
  await world.close();
});
