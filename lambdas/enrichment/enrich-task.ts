import { Logger } from '@aws-lambda-powertools/logger';
import { Metrics } from '@aws-lambda-powertools/metrics';
import { AppConfigDataClient } from '@aws-sdk/client-appconfigdata';
import { openClient } from '../adapters/aws-clients.ts';
import { createCounter } from '../adapters/metrics.ts';
import type { Progress } from '../contract/delivery.ts';
import { enrichTaskEnvironment, readEnvironment } from '../contract/environment.ts';
import { ioDeadlines } from '../contract/io-deadlines.ts';
import { METRICS } from '../contract/metrics.ts';
import { readTaskInput } from '../domain/read-delivery.ts';
import { createLearningTimeServices } from './learning-time-services.ts';
import { type RetryEnrichmentServices, retryEnrichment } from './retry-enrichment.ts';

let services: ReturnType<typeof createServices> | undefined;

/** Called by the retry workflow with a delivery whose learning time is pending. */
export async function handler(input: unknown): Promise<Progress> {
  services ??= createServices(process.env);
  const { retrying, counter } = services;
  const startedAtMs = retrying.now();
  try {
    return await retryEnrichment(readTaskInput(input), retrying);
  } finally {
    counter.measure(METRICS.taskDuration, (retrying.now() - startedAtMs) / 1000);
    counter.publish();
  }
}

/** On a cold start only. */
function createServices(variables: NodeJS.ProcessEnv) {
  const environment = readEnvironment(enrichTaskEnvironment, variables);
  const deadlines = ioDeadlines(environment.IO_DEADLINE_FACTOR);
  const log = new Logger();
  const counter = createCounter(new Metrics());
  const retrying: RetryEnrichmentServices = {
    ...createLearningTimeServices(
      environment,
      openClient(AppConfigDataClient, deadlines.clients.settings),
      log,
      counter,
    ),
    log,
    counter,
    now: Date.now,
    random: Math.random,
  };
  return { retrying, counter };
}
