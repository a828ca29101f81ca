import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { executionName } from '../../lambdas/events/identity.ts';
import { handler } from '../../lambdas/operations/rescue-execution.ts';
import { AwsError } from '../../local/control-plane/aws-error.ts';
import { delivery, PENDING } from '../support/factories.ts';
import { CONTEXT, variablesOf, wearEnvironment } from '../support/handler-wiring.ts';
import { startWorkflowService, type WorkflowService } from '../support/workflow-service.ts';

const STATE_MACHINE_ARN = 'arn:aws:states:us-east-1:000000000000:stateMachine:retry';
const ARN = 'arn:aws:states:us-east-1:000000000000:execution:retry:failed';
const carried = delivery(PENDING);
const name = executionName(carried.webhook_id, 'g0');
const failed = { name, status: 'ABORTED', input: JSON.stringify(carried) };

let service: WorkflowService;
beforeAll(async () => {
  service = await startWorkflowService();
  const DELIVERIES_DEAD_LETTER_QUEUE_URL = `${service.endpoint}/000000000000/dead`;
  wearEnvironment({ ...variablesOf(service.endpoint), STATE_MACHINE_ARN, DELIVERIES_DEAD_LETTER_QUEUE_URL });
});
afterAll(() => service.close());
beforeEach(() => {
  service.forget();
  service.answers.DescribeExecution = () => failed;
});

const ended = (executionArn: string) => handler({ detail: { executionArn } } as Parameters<typeof handler>[0], CONTEXT);

test('reads the input of the execution in the event, and starts its rescue', async () => {
  service.answers.StartExecution = () => ({ executionArn: `${ARN}-rescue1`, startDate: 1_768_478_400 });
  await ended(ARN);

  expect(service.calls).toMatchObject([
    { operation: 'DescribeExecution', body: { executionArn: ARN } },
    { operation: 'StartExecution', body: { stateMachineArn: STATE_MACHINE_ARN, name: `${name}-rescue1` } },
  ]);
  expect(JSON.parse(String(service.calls[1]?.body.input))).toMatchObject({ progress: { outcome: 'dead' } });
});

test('an input that the workflow refuses goes to the dead letter queue unchanged, with the reason', async () => {
  service.answers.StartExecution = () => {
    throw new AwsError('InvalidExecutionInput', 400, 'the input is too large');
  };
  await ended(ARN);

  const { operation, body } = service.calls.at(-1) ?? {};
  expect(operation).toBe('SendMessageBatch');
  expect(body?.QueueUrl).toBe(`${service.endpoint}/000000000000/dead`);
  expect(body?.Entries).toMatchObject([
    {
      MessageBody: failed.input,
      MessageAttributes: { reason: { DataType: 'String', StringValue: `workflow execution ABORTED: ${name}` } },
    },
  ]);
});

test('an execution that cannot be read fails the invocation, which Lambda retries', async () => {
  service.answers.DescribeExecution = () => {
    throw new AwsError('ExecutionDoesNotExist', 400, 'gone');
  };
  await expect(ended(ARN)).rejects.toMatchObject({ name: 'ExecutionDoesNotExist' });
});
