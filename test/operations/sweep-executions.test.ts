import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { executionName } from '../../lambdas/events/identity.ts';
import { createSweepProgress } from '../../lambdas/ledger/table/sweep-progress.ts';
import { handler } from '../../lambdas/operations/sweep-executions.ts';
import { type LedgerServer, startLedgerServer } from '../support/dynamodb.ts';
import { delivery, PENDING } from '../support/factories.ts';
import { CONTEXT, variablesOf, wearEnvironment } from '../support/handler-wiring.ts';
import { startWorkflowService, type WorkflowService } from '../support/workflow-service.ts';

const STATE_MACHINE_ARN = 'arn:aws:states:us-east-1:000000000000:stateMachine:retry';
const DAY_SECONDS = 24 * 3600;
const carried = delivery(PENDING);

let service: WorkflowService;
let ledger: LedgerServer;
beforeAll(async () => {
  service = await startWorkflowService();
  ledger = await startLedgerServer();
  const DELIVERIES_DEAD_LETTER_QUEUE_URL = `${service.endpoint}/000000000000/dead`;
  wearEnvironment({
    ...variablesOf(service.endpoint),
    STATE_MACHINE_ARN,
    DELIVERIES_DEAD_LETTER_QUEUE_URL,
    AWS_ENDPOINT_URL_DYNAMODB: ledger.endpoint,
    LEDGER_TABLE_NAME: ledger.tableName,
  });
});
afterAll(() => Promise.all([service.close(), ledger.close()]));
beforeEach(async () => {
  await createSweepProgress(ledger).writeProgress({ upToMs: Date.now() - DAY_SECONDS * 1000, failed: [] });
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

test('reads every page of failed, timed-out and aborted executions, and rescues those since the last sweep', async () => {
  pagesOf({
    'FAILED first': { executions: [listed('e1', 0.1, 0.05), listed('e2', 5, 2)], nextToken: 'second' },
    'FAILED second': { executions: [listed('e3', 6, 0.5)], nextToken: 'third' },
    'FAILED third': { executions: [listed('e4', 7.5, 0.9)] },
    'TIMED_OUT first': { executions: [listed('e5', 7, 0.01)] },
    'ABORTED first': { executions: [listed('e6', 1, undefined), listed('e7', 1, 0.2)] },
  });
  await handler({}, CONTEXT);

  const pages = asked('ListExecutions').map(({ body }) => [body.statusFilter, body.nextToken]);
  expect(pages).toEqual([
    ['FAILED', undefined],
    ['FAILED', 'second'],
    ['FAILED', 'third'],
    ['TIMED_OUT', undefined],
    ['ABORTED', undefined],
  ]);
  expect(asked('ListExecutions')[0]?.body).toMatchObject({ stateMachineArn: STATE_MACHINE_ARN, maxResults: 1000 });
  expect(asked('DescribeExecution').map(({ body }) => body.executionArn)).toEqual(['e4', 'e3', 'e7', 'e1', 'e5']);
  expect(asked('StartExecution')).toHaveLength(5);

  const before = asked('DescribeExecution').length;
  await handler({}, CONTEXT);
  expect(asked('DescribeExecution')).toHaveLength(before);
});

test('stops reading at executions that are too old: there may be 90 days of them', async () => {
  pagesOf({ 'FAILED first': { executions: [listed('e1', 29.9, 0.05), listed('e2', 30.1, 0.5)], nextToken: 'second' } });
  await handler({}, CONTEXT);

  expect(asked('ListExecutions').map(({ body }) => body.nextToken)).toEqual([undefined, undefined, undefined]);
  expect(asked('DescribeExecution').map(({ body }) => body.executionArn)).toEqual(['e1']);
});
