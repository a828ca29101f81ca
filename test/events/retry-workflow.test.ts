import { SFNClient } from '@aws-sdk/client-sfn';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { deliverySchema } from '../../lambdas/events/delivery.ts';
import { createWorkflow, startOnce } from '../../lambdas/events/retry-workflow.ts';
import { AwsError } from '../../local/control-plane/aws-error.ts';
import { clientOptions } from '../support/client-options.ts';
import { delivery, PENDING } from '../support/factories.ts';
import { startWorkflowService, type WorkflowService } from '../support/workflow-service.ts';

const STATE_MACHINE = 'arn:aws:states:us-east-1:000000000000:stateMachine:retry';

let service: WorkflowService;
let client: SFNClient;

beforeAll(async () => {
  service = await startWorkflowService();
  client = new SFNClient(clientOptions(service.endpoint));
});
afterAll(async () => {
  client.destroy();
  await service.close();
});
beforeEach(() => {
  service.forget();
  service.answers.StartExecution = () => ({ executionArn: 'arn', startDate: 1_768_478_400 });
});

/** From now on the service refuses to start. */
function refuse(name: string, status = 400): void {
  service.answers.StartExecution = () => {
    throw new AwsError(name, status, 'refused');
  };
}

const workflow = () => createWorkflow({ client, stateMachineArn: STATE_MACHINE });

describe('starting the workflow', () => {
  test('names the execution by webhook and token, and gives it the delivery with that token', async () => {
    const given = delivery(PENDING, { generation: 3, payload: '{"a":1.0}' });
    expect(await workflow().start(given)).toEqual({ token: 'g3', isOwn: true });
    const body = { stateMachineArn: STATE_MACHINE, name: `${given.webhook_id}-g3` };
    expect(service.calls).toMatchObject([{ operation: 'StartExecution', body }]);
    expect(deliverySchema.parse(JSON.parse(String(service.calls[0]?.body.input)))).toEqual({ ...given, token: 'g3' });
  });

  test('succeeds if the execution already exists: it carries the delivery', async () => {
    refuse('ExecutionAlreadyExists');
    await expect(workflow().start(delivery())).resolves.toEqual({ token: 'g0', isOwn: false });
  });

  test.each([
    ['ExecutionLimitExceeded', 400],
    ['ServiceUnavailable', 503],
  ])('fails with %s: the message stays in its queue', async (name, status) => {
    refuse(name, status);
    await expect(workflow().start(delivery())).rejects.toMatchObject({ name });
  });

  test('takes any input under any name: a rescue gives its own', async () => {
    await startOnce(client, STATE_MACHINE, 'wh_1-g0-rescue1', { input: ['\uFFFF'] });
    expect(service.calls[0]?.body).toMatchObject({ name: 'wh_1-g0-rescue1', input: '{"input":["\\uffff"]}' });
  });
});
