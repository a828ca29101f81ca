import { beforeAll, describe, expect, test } from '@jest/globals';
import { handler as deliverBatch } from '../../lambdas/delivery/deliver-batch.ts';
import { handler as deliverTask } from '../../lambdas/delivery/deliver-task.ts';
import { executionName } from '../../lambdas/events/identity.ts';
import { SUSPECT_RECEIVE_COUNT, SUSPECT_VISIBILITY_SECONDS } from '../../lambdas/shared/receive-policy.ts';
import type { AwsCall } from '../../local/aws-calls.ts';
import { receiptsOf, runningSession } from '../e2e/running-session.ts';
import { delivery } from '../support/factories.ts';
import { CONTEXT, sqsRecord, visibilityOf, wearEnvironment } from '../support/handler-wiring.ts';

/** Handlers in this process, each with the variables of its function, around one running stage. */
const calls: AwsCall[] = [];
const session = runningSession({
  platformOptions: { onCall: (call) => calls.push(call) },
  partners: { healthy: { answers: 200 }, failing: { answers: [503, 200] } },
});

describe('DeliverBatch', () => {
  beforeAll(() => wearEnvironment(session().platform.functions.find('deliver-batch').configuration.environment));

  const message = (integration_id: string, event_id: string) => {
    const whole = delivery(undefined, { integration_id, event_id });
    return { name: executionName(whole.webhook_id, 'g0-a1'), body: JSON.stringify(whole) };
  };

  test('delivers a batch, dead-letters an invalid message, and hides a suspect one', async () => {
    const suspect = sqsRecord('suspect', message('healthy', 'sent-2').body, SUSPECT_RECEIVE_COUNT);
    const Records = [sqsRecord('good', message('healthy', 'sent-1').body), sqsRecord('bad', '{}'), suspect];
    expect(await deliverBatch({ Records }, CONTEXT)).toEqual({ batchItemFailures: [] });

    expect(visibilityOf(suspect.receiptHandle, calls)).toEqual([SUSPECT_VISIBILITY_SECONDS]);
    for (const id of ['sent-1', 'sent-2']) expect(receiptsOf(session(), 'healthy', id)).toHaveLength(1);
    const { deliveryDeadLetters } = await session().evidence([]);
    expect(deliveryDeadLetters.map(({ body }) => body)).toEqual(['{}']);
  });
});

describe('DeliverTask', () => {
  beforeAll(() => wearEnvironment(session().platform.functions.find('deliver-task').configuration.environment));

  test('a settled delivery reaches its partner', async () => {
    const input = delivery(undefined, { integration_id: 'healthy', event_id: 'from-the-workflow' });
    expect(await deliverTask(input, CONTEXT)).toMatchObject({ outcome: 'delivered', attempt: 1 });
    expect(receiptsOf(session(), 'healthy', 'from-the-workflow')).toHaveLength(1);
  });
});
