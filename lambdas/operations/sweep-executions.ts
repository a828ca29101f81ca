import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { ExecutionStatus, paginateListExecutions, type SFNClient } from '@aws-sdk/client-sfn';
import type * as z from 'zod';
import { MAX_EXECUTION_DAYS } from '../events/delivery.ts';
import { createSweepProgress, type EndedExecution } from '../ledger/table/sweep-progress.ts';
import { openClient } from '../shared/aws-clients.ts';
import { DAY_MS } from '../shared/durations.ts';
import { sweepExecutionsEnvironment } from '../shared/environment.ts';
import { type ColdStart, createHandler } from '../shared/handler.ts';
import { createRescueServices } from './rescue-services.ts';
import { rescue } from './rescue-through-workflow.ts';
import { FIRST_SWEEP_MS, type SweepServices, sweep } from './sweep-missed.ts';

/** Called by a schedule. */
export const handler = createHandler({
  environment: sweepExecutionsEnvironment,
  createServices,
  handle: (_event: unknown, services, remainingMs) => sweep({ ...services, remainingMs }),
});

/** On a cold start only. */
function createServices(
  start: ColdStart<z.infer<typeof sweepExecutionsEnvironment>>,
): Omit<SweepServices, 'remainingMs'> {
  const { environment, deadlines, log } = start;
  const rescuing = createRescueServices(start);
  return {
    ...createSweepProgress({
      client: openClient(DynamoDBClient, deadlines.clients.schedule),
      tableName: environment.LEDGER_TABLE_NAME,
    }),
    listEnded: () => listEnded(rescuing.stepFunctions, environment.STATE_MACHINE_ARN),
    rescue: (executionArn: string) => rescue(executionArn, 'sweep', rescuing),
    log,
    now: Date.now,
  };
}

/** An execution's longest life plus the first sweep's look-back: executions that started earlier are irrelevant. */
const OLDEST_START_MS = MAX_EXECUTION_DAYS * DAY_MS + FIRST_SWEEP_MS;

async function* listEnded(client: SFNClient, stateMachineArn: string): AsyncIterable<EndedExecution> {
  for (const statusFilter of [ExecutionStatus.FAILED, ExecutionStatus.TIMED_OUT, ExecutionStatus.ABORTED]) {
    yield* listWithStatus(client, stateMachineArn, statusFilter);
  }
}

/** Lists executions of one status; Step Functions returns the latest started first. */
async function* listWithStatus(client: SFNClient, stateMachineArn: string, statusFilter: ExecutionStatus) {
  const pages = paginateListExecutions({ client, pageSize: 1000 }, { stateMachineArn, statusFilter });
  for await (const { executions = [] } of pages) {
    for (const { executionArn, startDate, stopDate } of executions) {
      if (startDate !== undefined && Date.now() - startDate.getTime() > OLDEST_START_MS) return;
      if (executionArn !== undefined && stopDate !== undefined) yield { executionArn, stoppedAtMs: stopDate.getTime() };
    }
  }
}
