import { Logger } from '@aws-lambda-powertools/logger';
import { Metrics } from '@aws-lambda-powertools/metrics';
import type { DeliverMessagesServices } from '../../lambdas/delivery/deliver-messages.ts';
import { createDeliveryServices } from '../../lambdas/delivery/delivery-services.ts';
import { deliverTaskEnvironment, readEnvironment } from '../../lambdas/shared/environment.ts';
import { ioDeadlines } from '../../lambdas/shared/io-deadlines.ts';
import type { Log } from '../../lambdas/shared/log.ts';
import { type Counter, type Dimensions, METRICS, type MetricName } from '../../lambdas/shared/metric-definitions.ts';
import { createCounter } from '../../lambdas/shared/metrics.ts';

/** The services of `deliver-batch.ts`, without queues and workflow, which also check that every message is delivered. */
export interface WatchedServices {
  readonly services: DeliverMessagesServices;
  /** Number of deliveries so far. */
  readonly delivered: number;
  /** After each batch: publishes its counts, as the handler does. @throws Error if anything went wrong */
  check(failures: Iterable<string>): void;
  /** Whether Valkey did not respond in time since the last call. */
  takeValkeyLost(): boolean;
}

export function createWatchedServices(variables: NodeJS.ProcessEnv): WatchedServices {
  const logger = new Logger();
  const published = createCounter(new Metrics());
  let delivered = 0;
  let problem: string | undefined;
  let isValkeyLost = false;
  const onProblem = (message: string, fields: Readonly<Record<string, unknown>>) => {
    if (message === 'limiter.unavailable') isValkeyLost = true;
    else problem ??= `${message} ${JSON.stringify(fields)}`;
  };
  const log: Log = { info: (message, fields) => logger.info(message, fields), warn: onProblem, error: onProblem };
  const counter: Counter = {
    count(name: MetricName, value = 1, dimensions: Dimensions = {}) {
      // The types tie a name to its dimensions; this call only forwards a pair that was checked already.
      published.count(name as never, value, dimensions as never);
      if (name === METRICS.deliveredWithLearningTime) delivered += value;
      else if (name !== METRICS.deliverySuccess && name !== METRICS.kindSuccess) problem ??= `counted ${name}`;
    },
    measure: published.measure,
  };
  const environment = readEnvironment(deliverTaskEnvironment, variables);
  const deadlines = ioDeadlines(environment.IO_DEADLINE_FACTOR);
  const unexpected = () => Promise.reject(new Error('no delivery may wait or be dead-lettered here'));
  return {
    services: {
      ...createDeliveryServices({ environment, deadlines, log, counter }),
      workflow: { start: unexpected },
      deadLetter: unexpected,
      defer: unexpected,
    },
    get delivered() {
      return delivered;
    },
    check(failures) {
      published.publish();
      for (const reason of failures) problem ??= reason;
      if (problem !== undefined) throw new Error(problem);
    },
    takeValkeyLost() {
      const wasLost = isValkeyLost;
      isValkeyLost = false;
      return wasLost;
    },
  };
}
