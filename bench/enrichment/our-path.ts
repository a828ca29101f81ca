import { Logger } from '@aws-lambda-powertools/logger';
import { Metrics } from '@aws-lambda-powertools/metrics';
import { AppConfigDataClient } from '@aws-sdk/client-appconfigdata';
import { SQSClient } from '@aws-sdk/client-sqs';
import type { EnrichEventsServices } from '../../lambdas/enrichment/enrich-events.ts';
import { enrichEvents } from '../../lambdas/enrichment/enrich-events.ts';
import { createLearningTimeServices } from '../../lambdas/enrichment/learning-time-services.ts';
import { createIntegrationSource } from '../../lambdas/partners/appconfig-integrations.ts';
import { openClient } from '../../lambdas/shared/aws-clients.ts';
import type { ReceivedMessage } from '../../lambdas/shared/batch-intake.ts';
import { enrichBatchEnvironment, readEnvironment } from '../../lambdas/shared/environment.ts';
import { CLIENT_WAITS, ioDeadlines } from '../../lambdas/shared/io-deadlines.ts';
import { toMessageText } from '../../lambdas/shared/json-text.ts';
import type { Log } from '../../lambdas/shared/log.ts';
import { createCounter } from '../../lambdas/shared/metrics.ts';
import { createQueues } from '../../lambdas/shared/sqs.ts';
import type { LearningTimeCache } from '../../lambdas/warehouse/learning-time.ts';
import { NO_LEDGER } from '../no-ledger.ts';

/** EnrichBatch's path, with the durations of its cache lookups. */
export interface OurPath {
  /** @throws Error if anything failed, since a run without a server must not be measured */
  enrich(messages: readonly ReceivedMessage[]): Promise<void>;
  /** Of each batch since the last call. */
  takeLookups(): number[];
}

/** The wiring of `enrich-batch.ts`, without the ledger, which has its own benchmark, and without the workflow. */
export function createOurPath(variables: NodeJS.ProcessEnv): OurPath {
  const environment = readEnvironment(enrichBatchEnvironment, variables);
  const { log, complaints } = createWatchedLog();
  const deadlines = ioDeadlines(environment.IO_DEADLINE_FACTOR);
  const counter = createCounter(new Metrics());
  const appConfig = openClient(AppConfigDataClient, CLIENT_WAITS.settings);
  const queues = createQueues({ client: openClient(SQSClient, CLIENT_WAITS.messages), log });
  const unexpected = () => Promise.reject(new Error('no event may wait or be dead-lettered here'));
  const learningTime = createLearningTimeServices({ environment, deadlines, log, counter }, appConfig);
  const lookupMs: number[] = [];
  const services: EnrichEventsServices = {
    ...learningTime,
    cache: timed(learningTime.cache, lookupMs),
    integrations: createIntegrationSource({ environment, client: appConfig, deadlines, log }),
    workflow: { start: unexpected },
    ledger: NO_LEDGER,
    forward: (deliveries) =>
      queues.send(
        environment.DELIVERIES_QUEUE_URL,
        [...deliveries].map(([id, delivery]) => ({
          id,
          body: toMessageText(delivery),
          groupId: delivery.integration_id,
        })),
      ),
    deadLetter: unexpected,
    log,
    counter,
    now: Date.now,
    random: Math.random,
    remainingMs: () => 40_000,
  };
  return {
    async enrich(messages) {
      const failures = await enrichEvents(messages, services);
      counter.publish();
      const [complaint] = [...complaints, ...failures.values()];
      if (complaint !== undefined) throw new Error(complaint);
    },
    takeLookups: () => lookupMs.splice(0),
  };
}

/** The function's log, which also collects warnings and errors. */
function createWatchedLog(): { log: Log; complaints: readonly string[] } {
  const logger = new Logger();
  const complaints: string[] = [];
  const complain = (message: string, fields: Readonly<Record<string, unknown>>) => {
    complaints.push(`${message} ${JSON.stringify(fields)}`);
  };
  return {
    log: { info: (message, fields) => logger.info(message, fields), warn: complain, error: complain },
    complaints,
  };
}

function timed(cache: LearningTimeCache, lookupMs: number[]): LearningTimeCache {
  return {
    ...cache,
    async read(keys) {
      const startedAtMs = performance.now();
      const lookup = await cache.read(keys);
      lookupMs.push(performance.now() - startedAtMs);
      return lookup;
    },
  };
}
