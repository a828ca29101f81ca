import { Construct } from 'constructs';
import type { Cache } from './cache.ts';
import type { Configuration } from './configuration.ts';
import type { EventQueues } from './event-queues.ts';
import type { CodeBase } from './function-code.ts';
import type { FunctionSize } from './function-size.ts';
import type { Ledger } from './ledger.ts';
import { stackOutputs } from './outputs.ts';
import { PipelineFunction } from './pipeline-function.ts';
import type { RetryWorkflow } from './retry-workflow.ts';
import type { Secrets } from './secrets.ts';
import type { Stage } from './stage-schema.ts';

export interface DeliveryProps {
  readonly codeBase: CodeBase;
  readonly configuration: Configuration;
  readonly secrets: Secrets;
  readonly cache: Cache;
  readonly ledger: Ledger;
}

/**
 * `dns.lookup` runs on libuv's threads, of which there are four by default: four lookups of a partner whose name servers
 * hang would hold up those of all others.
 */
const THREADS = 16;

/** Of DeliverTask's concurrency, the part that one slow endpoint may take: with five of them none waits for another. */
const SLOW_ENDPOINT_SHARE = 1 / 5;

/** What DeliverTask can count on where nothing is reserved for it: the whole concurrency of a new account. */
const UNRESERVED_CONCURRENCY = 10;

/** The most attempts that a slow endpoint may have under way at a time, at least 1. */
export function slowEndpointAttempts({ reservedConcurrency = UNRESERVED_CONCURRENCY }: FunctionSize): number {
  return Math.max(1, Math.floor(reservedConcurrency * SLOW_ENDPOINT_SHARE));
}

/**
 * How many environments may send at a time: DeliverBatch as many as its queue's reader invokes, DeliverTask as many as are
 * reserved. While Valkey is down each sends its share of a partner's limit, so the shares add up to the limit. Where nothing
 * is reserved for DeliverTask (`local`, `dev`), more than these may send.
 */
export function sendingEnvironments({ eventSources, functions }: Pick<Stage, 'eventSources' | 'functions'>): number {
  const { reservedConcurrency = UNRESERVED_CONCURRENCY } = functions.deliverTask;
  return eventSources.deliveries.maxConcurrency + reservedConcurrency;
}

/** Speaks to partners, and is alone in doing so: batches from the deliveries queue, one by one in the workflow, tests. */
export class Delivery extends Construct {
  readonly batch: PipelineFunction;
  readonly task: PipelineFunction;
  /** Invoked by operators, each by their own permission. In the VPC, so that a test comes from where webhooks come from. */
  private readonly sendTest: PipelineFunction;
  private readonly stage: Stage;

  constructor(scope: Construct, id: string, props: DeliveryProps) {
    super(scope, id);
    const { codeBase, configuration, secrets, cache, ledger } = props;
    const { stage } = codeBase;
    this.stage = stage;
    const shared = { codeBase, speaksTo: 'vpc' } as const;
    this.batch = new PipelineFunction(this, 'DeliverBatch', { ...shared, resendsToOwnQueue: true });
    this.task = new PipelineFunction(this, 'DeliverTask', shared);
    this.sendTest = new PipelineFunction(this, 'SendTest', shared);
    for (const fn of [this.batch, this.task, this.sendTest]) {
      configuration.grantReadIntegrations(fn);
      secrets.grantReadIntegrations(fn);
      this.letReachPartners(fn);
    }
    // A test passes no rate limiter and no circuit breaker: with it an operator finds out whether the endpoint responds. It is
    // no event either, so the ledger does not hold it.
    for (const fn of [this.batch, this.task]) {
      cache.grantUse(fn);
      ledger.grantDeliver(fn);
      fn.setVariable('SLOW_ENDPOINT_ATTEMPTS', String(slowEndpointAttempts(this.task.size)));
      fn.setVariable('SENDING_ENVIRONMENTS', String(sendingEnvironments(stage)));
    }
    stackOutputs(this, {
      SendTestFunctionName: [
        this.sendTest.lambda.functionName,
        'Sends a partner one test event: ./ltw send-test invokes it, with your credentials',
      ],
    });
  }

  /**
   * Feeds the batch function from the deliveries queue. What must wait for a few minutes it sends there again, with a
   * delay; what must wait longer, or try again, goes to the workflow.
   */
  connect({ deliveries, outcomes }: EventQueues, workflow: RetryWorkflow): void {
    // The handler lengthens visibility itself; the consumer's permissions include that.
    this.batch.consume(deliveries.queue, this.stage.eventSources.deliveries);
    this.batch.grantSend(deliveries.queue, 'DELIVERIES_QUEUE_URL');
    this.batch.grantSend(deliveries.deadLetters, 'DELIVERIES_DEAD_LETTER_QUEUE_URL');
    workflow.grantStart(this.batch);
    for (const fn of [this.batch, this.task]) fn.grantSend(outcomes.queue, 'OUTCOMES_QUEUE_URL');
  }

  private letReachPartners(fn: PipelineFunction): void {
    const { allowPlainHttp, allowedCidrs, allowedPorts } = this.stage.partners;
    fn.setVariable('ALLOW_PLAIN_HTTP', String(allowPlainHttp));
    fn.setVariable('ALLOWED_CIDRS', allowedCidrs.join(','));
    fn.setVariable('ALLOWED_PORTS', allowedPorts === 'any' ? 'any' : allowedPorts.join(','));
    fn.setVariable('UV_THREADPOOL_SIZE', String(THREADS));
  }
}
