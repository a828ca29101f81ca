import { beforeAll, expect, test } from '@jest/globals';
import { handler as deliverBatch } from '../../lambdas/delivery/deliver-batch.ts';
import { SUSPECT_RECEIVE_COUNT, SUSPECT_VISIBILITY_SECONDS } from '../../lambdas/shared/receive-policy.ts';
import type { AwsCall } from '../../local/aws-calls.ts';
import { receiptsOf, runningSession } from '../e2e/running-session.ts';
import { delivery } from '../support/factories.ts';
import { CONTEXT, sqsRecord, visibilityOf, wearEnvironment } from '../support/handler-wiring.ts';

/** The handler in this process, with the variables of its function, in a running stage. e2e tests run DeliverTask. */
const calls: AwsCall[] = [];
const session = runningSession({
  platformOptions: { onCall: (call) => calls.push(call) },
  partners: { healthy: { behaviour: 200 } },
});

beforeAll(() => wearEnvironment(session().platform.functions.find('deliver-batch').configuration.environment));

const bodyOf = (event_id: string) => JSON.stringify(delivery(undefined, { integration_id: 'healthy', event_id }));

test('DeliverBatch delivers a batch, dead-letters an invalid message, and hides a suspect one', async () => {
  const suspect = sqsRecord('suspect', bodyOf('sent-2'), SUSPECT_RECEIVE_COUNT);
  const Records = [sqsRecord('good', bodyOf('sent-1')), sqsRecord('bad', '{}'), suspect];
  expect(await deliverBatch({ Records }, CONTEXT)).toEqual({ batchItemFailures: [] });

  expect(visibilityOf(suspect.receiptHandle, calls)).toEqual([SUSPECT_VISIBILITY_SECONDS]);
  for (const id of ['sent-1', 'sent-2']) expect(receiptsOf(session(), 'healthy', id)).toHaveLength(1);
  const { deliveryDeadLetters } = await session().evidence([]);
  expect(deliveryDeadLetters.map(({ body }) => body)).toEqual(['{}']);
});
