import { Logger } from '@aws-lambda-powertools/logger';
import { Metrics } from '@aws-lambda-powertools/metrics';
import { createCounter } from '../../lambdas/adapters/metrics.ts';
import { deliverTaskEnvironment, readEnvironment } from '../../lambdas/contract/environment.ts';
import { ioDeadlines } from '../../lambdas/contract/io-deadlines.ts';
import type { Log } from '../../lambdas/contract/log.ts';
import { type Counter, type Dimensions, METRICS, type MetricName } from '../../lambdas/contract/metrics.ts';
import type { DeliverMessagesServices } from '../../lambdas/delivery/deliver-messages.ts';
import { createDeliveryServices } from '../../lambdas/delivery/delivery-services.ts';

/** What `deliver-batch.ts` wires but for the queues and the workflow, which are not wanted, and whether all went well. */
export interface WatchedServices {
  readonly services: DeliverMessagesServices;
  /** Deliveries made until now. */
  readonly delivered: number;
  /** After each batch: publishes its counts, as the handler does. @throws Error where anything went wrong */
  check(failures: Iterable<string>): void;
  /** Whether the gate's server did not answer in time since this was last asked. */
  takeGateLost(): boolean;
}

export function createWatchedServices(variables: NodeJS.ProcessEnv): WatchedServices {
  const watch = createWatch();
  const environment = readEnvironment(deliverTaskEnvironment, variables);
  const deadlines = ioDeadlines(environment.IO_DEADLINE_FACTOR);
  const unwanted = () => Promise.reject(new Error('nothing should wait or die here'));
  const services: DeliverMessagesServices = {
    ...createDeliveryServices({ environment, deadlines, log: watch.log, counter: watch.counter }),
    workflow: { start: unwanted },
    deadLetter: unwanted,
    defer: unwanted,
  };
  return Object.assign(watch, { services });
}

/** The function's own log and counts, which also tell whether every message was delivered. */
function createWatch() {
  const logger = new Logger();
  const published = createCounter(new Metrics());
  let delivered = 0;
  let complaint: string | undefined;
  let isGateLost = false;
  const complain = (message: string, fields: Readonly<Record<string, unknown>>) => {
    if (message === 'limiter.unavailable') isGateLost = true;
    else complaint ??= `${message} ${JSON.stringify(fields)}`;
  };
  const log: Log = { info: (message, fields) => logger.info(message, fields), warn: complain, error: complain };
  const counter: Counter = {
    count(name: MetricName, value = 1, dimensions: Dimensions = {}) {
      // Types hold a name and its dimensions together; what comes in here has been held together already.
      published.count(name as never, value, dimensions as never);
      if (name === METRICS.deliveredWithLearningTime) delivered += value;
      else if (name !== METRICS.deliverySuccess && name !== METRICS.kindSuccess) complaint ??= `counted ${name}`;
    },
    measure: published.measure,
  };
  return {
    log,
    counter,
    takeGateLost() {
      const wasLost = isGateLost;
      isGateLost = false;
      return wasLost;
    },
    get delivered() {
      return delivered;
    },
    /** After each batch: publishes its counts, as the handler does. @throws Error where anything went wrong */
    check(failures: Iterable<string>) {
      published.publish();
      for (const reason of failures) complaint ??= reason;
      if (complaint !== undefined) throw new Error(complaint);
    },
  };
}
