import { expect, test } from '@jest/globals';
import { beyondReach } from '../../../commands/ledger/beyond-reach.ts';
import { NOW } from '../../support/factories.ts';
import { resourcesOf, synthesize } from '../../support/synthesized-stack.ts';

test('what is said of queues and of the table’s recovery is what the stack makes', () => {
  const template = synthesize('dev');
  const places = Object.fromEntries(beyondReach(NOW, 400).map(({ what, how_long }) => [what, parseInt(how_long, 10)]));
  const retentions = resourcesOf(template, 'AWS::SQS::Queue').map(
    ([, { Properties }]) => Properties.MessageRetentionPeriod / 86_400,
  );
  expect(new Set(retentions)).toEqual(new Set([places.queues, places['dead letter queues']]));
  const [table] = resourcesOf(template, 'AWS::DynamoDB::Table');
  expect(table?.[1].Properties.PointInTimeRecoverySpecification).toMatchObject({
    PointInTimeRecoveryEnabled: true,
    RecoveryPeriodInDays: places['point-in-time recovery of the ledger'],
  });
});
