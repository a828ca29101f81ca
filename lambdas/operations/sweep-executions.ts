import { Logger } from '@aws-lambda-powertools/logger';
import { Metrics } from '@aws-lambda-powertools/metrics';
import { ExecutionStatus, paginateListExecutions, type SFNClient } from '@aws-sdk/client-sfn';
import { createCounter } from '../adapters/metrics.ts';
import { MAX_EXECUTION_DAYS } from '../contract/delivery.ts';
import { readEnvironment, sweepExecutionsEnvironment } from '../contract/environment.ts';
import { rescue } from './rescue.ts';
import { createRescueServices } from './rescue-services.ts';
import { type EndedExecution, type SweepServices, sweep } from './sweep.ts';

let services: ReturnType<typeof createServices> | undefined;

/** Called by a schedule. */
export async function handler(): Promise<void> {
  services ??= createServices(process.env);
  try {
    await sweep(services.sweeping);
  } finally {
    services.counter.publish();
  }
}

/** On a cold start only. */
function createServices(variables: NodeJS.ProcessEnv) {
  const environment = readEnvironment(sweepExecutionsEnvironment, variables);
  const log = new Logger();
  const counter = createCounter(new Metrics());
  const rescuing = createRescueServices(environment, log, counter);
  const sweeping: SweepServices = {
    listEnded: () => listEnded(rescuing.stepFunctions, environment.STATE_MACHINE_ARN),
    rescue: (executionArn) => rescue(executionArn, 'sweep', rescuing),
    log,
    now: Date.now,
  };
  return { sweeping, counter };
}

/** A day of sweeping, after the longest that an execution lives: nothing started earlier is of interest. */
const OLDEST_START_MS = (MAX_EXECUTION_DAYS + 1) * 24 * 3600_000;

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
