import { expect, test } from '@jest/globals';
import { runProgram } from '../../../commands/program.ts';
import { eachTest } from '../../support/each-test.ts';
import { startOperatorWorld } from '../operator-world.ts';
import { startLedgerOperator } from './ledger-operator.ts';

const operator = eachTest(startLedgerOperator);

test('a span that ends before it begins is a usage error', async () => {
  await expect(operator.run('count', '--until', '2d')).rejects.toMatchObject({
    name: 'UsageError',
    message: '--until 2d is before 2026-01-14T12:00:00Z',
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
  await expect(runProgram(['ledger', 'count'], world.context)).rejects.toMatchObject({
    name: 'CommandFailed',
    message: expect.stringMatching(message),
  });
  await world.close();
});
