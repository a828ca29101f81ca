import { ScanCommand } from '@aws-sdk/client-dynamodb';
import { expect, test } from '@jest/globals';
import { remainingCopies } from '../../../commands/ledger/remaining-copies.ts';
import { MAX_TIMER_DAYS } from '../../../lambdas/events/event.ts';
import { NOW } from '../../support/factories.ts';
import { resourcesOf, synthesize } from '../../support/synthesized-stack.ts';
import { startLedgerOperator } from './ledger-operator.ts';

const DAY_MS = 24 * 3600_000;

test('what is said of queues and of the table’s recovery is what the stack makes', () => {
  const template = synthesize('dev');
  const places = Object.fromEntries(
    remainingCopies(NOW, 400).map(({ what, how_long }) => [what, parseInt(how_long, 10)]),
  );
  const retentions = resourcesOf(template, 'AWS::SQS::Queue').map(
    ([, { Properties }]) => Properties.MessageRetentionPeriod / 86_400,
  );
  expect(new Set(retentions)).toEqual(new Set([places.queues, places['dead-letter queues']]));
  const [table] = resourcesOf(template, 'AWS::DynamoDB::Table');
  expect(table?.[1].Properties.PointInTimeRecoverySpecification).toMatchObject({
    PointInTimeRecoveryEnabled: true,
    RecoveryPeriodInDays: places['point-in-time recovery of the ledger'],
  });
});

test('a timer outlives a learner’s events by what is said of it', async () => {
  const operator = await startLedgerOperator();
  try {
    const dueMs = NOW + MAX_TIMER_DAYS * DAY_MS;
    await operator.lead({ send_at: new Date(dueMs).toISOString() });
    const { Items = [] } = await operator.server.client.send(new ScanCommand({ TableName: operator.server.tableName }));
    const [timer] = Items.filter(({ sk }) => sk?.S === 'timer');
    const place = remainingCopies(NOW, 400).find(({ what }) => what === 'timers of leads');
    expect(Number(timer?.expires_at?.N) * 1000).toBe(Date.parse(String(place?.until)));
    expect(JSON.stringify(timer)).not.toContain('"42"');
  } finally {
    await operator.close();
  }
});
