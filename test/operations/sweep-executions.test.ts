import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { executionName } from '../../lambdas/domain/identity.ts';
import { handler } from '../../lambdas/operations/sweep-executions.ts';
import { AwsError } from '../../local/control-plane/aws-error.ts';
import { delivery, PENDING } from '../support/factories.ts';
import { variablesOf, wearEnvironment } from '../support/handler-wiring.ts';
import { startWorkflowService, type WorkflowService } from '../support/workflow-service.ts';

const STATE_MACHINE_ARN = 'arn:aws:states:us-east-1:000000000000:stateMachine:retry';
const DAY_SECONDS = 24 * 3600;
const carried = delivery(PENDING);

let service: WorkflowService;
beforeAll(async () => {
  service = await startWorkflowService();
  const DELIVERIES_DEAD_LETTER_QUEUE_URL = `${service.endpoint}/000000000000/dead`;
  wearEnvironment({ ...variablesOf(service.endpoint), STATE_MACHINE_ARN, DELIVERIES_DEAD_LETTER_QUEUE_URL });
});
afterAll(() => service.close());
beforeEach(() => {
  service.forget();
  service.answers.DescribeExecution = ({ executionArn }) => ({
    name: executionName(carried.webhook_id, `g${String(executionArn).slice(1)}`),
    status: 'FAILED',
    input: JSON.stringify(carried),
  });
  service.answers.StartExecution = () => ({ executionArn: 'rescue', startDate: 1_768_478_400 });
});

/** An execution as it is listed. Times travel as seconds since 1970. */
function listed(executionArn: string, startedDaysAgo: number, stoppedDaysAgo?: number) {
  const now = Date.now() / 1000;
  return {
    executionArn,
    startDate: now - startedDaysAgo * DAY_SECONDS,
    ...(stoppedDaysAgo !== undefined && { stopDate: now - stoppedDaysAgo * DAY_SECONDS }),
  };
}

const pagesOf = (pages: Readonly<Record<string, object>>) => {
  service.answers.ListExecutions = ({ statusFilter, nextToken = 'first' }) =>
    pages[`${statusFilter} ${nextToken}`] ?? { executions: [] };
};
const asked = (operation: string) => service.calls.filter((call) => call.operation === operation);

test('reads every page of what failed, timed out and was aborted, and rescues what ended within a day', async () => {
  pagesOf({
    'FAILED first': { executions: [listed('e1', 0.1, 0.05), listed('e2', 5, 2)], nextToken: 'second' },
    'FAILED second': { executions: [listed('e3', 6, 0.5)], nextToken: 'third' },
    'FAILED third': { executions: [listed('e4', 7.5, 0.9)] },
    'TIMED_OUT first': { executions: [listed('e5', 7, 0.01)] },
    'ABORTED first': { executions: [listed('e6', 1, undefined), listed('e7', 1, 0.2)] },
  });
  await handler();

  const pages = asked('ListExecutions').map(({ body }) => [body.statusFilter, body.nextToken]);
  expect(pages).toEqual([
    ['FAILED', undefined],
    ['FAILED', 'second'],
    ['FAILED', 'third'],
    ['TIMED_OUT', undefined],
    ['ABORTED', undefined],
  ]);
  expect(asked('ListExecutions')[0]?.body).toMatchObject({ stateMachineArn: STATE_MACHINE_ARN, maxResults: 1000 });
  expect(asked('DescribeExecution').map(({ body }) => body.executionArn)).toEqual(['e1', 'e3', 'e4', 'e5', 'e7']);
  expect(asked('StartExecution')).toHaveLength(5);
});

test('reads no further than where executions are too old to matter: there may be 90 days of them', async () => {
  pagesOf({ 'FAILED first': { executions: [listed('e1', 14.9, 0.05), listed('e2', 15.1, 0.5)], nextToken: 'second' } });
  await handler();

  expect(asked('ListExecutions').map(({ body }) => body.nextToken)).toEqual([undefined, undefined, undefined]);
  expect(asked('DescribeExecution').map(({ body }) => body.executionArn)).toEqual(['e1']);
});

test('fails where the executions cannot be listed', async () => {
  service.answers.ListExecutions = () => {
    throw new AwsError('StateMachineDoesNotExist', 400, 'no such state machine');
  };
  await expect(handler()).rejects.toMatchObject({ name: 'StateMachineDoesNotExist' });
});
