import { Logger } from '@aws-lambda-powertools/logger';
import { Metrics } from '@aws-lambda-powertools/metrics';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { ExecutionStatus, paginateListExecutions, type SFNClient } from '@aws-sdk/client-sfn';
import type { Context } from 'aws-lambda';
import { openClient } from '../adapters/aws-clients.ts';
import { createSweepProgress, type EndedExecution } from '../adapters/dynamodb/sweep-progress.ts';
import { createCounter } from '../adapters/metrics.ts';
import { MAX_EXECUTION_DAYS } from '../contract/delivery.ts';
import { readEnvironment, sweepExecutionsEnvironment } from '../contract/environment.ts';
import { ioDeadlines } from '../contract/io-deadlines.ts';
import { rescue } from './rescue.ts';
import { createRescueServices } from './rescue-services.ts';
import { FIRST_SWEEP_MS, sweep } from './sweep.ts';

let services: ReturnType<typeof createServices> | undefined;

/** Called by a schedule. */
export async function handler(_event: unknown, context: Pick<Context, 'getRemainingTimeInMillis'>): Promise<void> {
  services ??= createServices(process.env);
  try {
    await sweep({ ...services.sweeping, remainingMs: () => context.getRemainingTimeInMillis() });
  } finally {
    services.counter.publish();
  }
}

/** On a cold start only. */
function createServices(variables: NodeJS.ProcessEnv) {
  const environment = readEnvironment(sweepExecutionsEnvironment, variables);
  const deadlines = ioDeadlines(environment.IO_DEADLINE_FACTOR);
  const log = new Logger();
  const counter = createCounter(new Metrics());
  const rescuing = createRescueServices(environment, log, counter);
  const sweeping = {
    ...createSweepProgress({
      client: openClient(DynamoDBClient, deadlines.clients.schedule),
      tableName: environment.LEDGER_TABLE_NAME,
    }),
    listEnded: () => listEnded(rescuing.stepFunctions, environment.STATE_MACHINE_ARN),
    rescue: (executionArn: string) => rescue(executionArn, 'sweep', rescuing),
    log,
    now: Date.now,
  };
  return { sweeping, counter };
}

/** Longer than an execution lives, and then the first sweep looks back: nothing started earlier is of interest. */
const OLDEST_START_MS = MAX_EXECUTION_DAYS * 24 * 3600_000 + FIRST_SWEEP_MS;

async function* listEnded(client: SFNClient, stateMachineArn: string): AsyncIterable<EndedExecution> {
  for (const statusFilter of [ExecutionStatus.FAILED, ExecutionStatus.TIMED_OUT, ExecutionStatus.ABORTED]) {
    yield* listWithStatus(client, stateMachineArn, statusFilter);
  }
}

/** The latest started come first. */
async function* listWithStatus(client: SFNClient, stateMachineArn: string, statusFilter: ExecutionStatus) {
  const pages = paginateListExecutions({ client, pageSize: 1000 }, { stateMachineArn, statusFilter });
  for await (const { executions = [] } of pages) {
    for (const { executionArn, startDate, stopDate } of executions) {
      if (startDate !== undefined && Date.now() - startDate.getTime() > OLDEST_START_MS) return;
      if (executionArn !== undefined && stopDate !== undefined) yield { executionArn, stoppedAtMs: stopDate.getTime() };
    }
  }
}
