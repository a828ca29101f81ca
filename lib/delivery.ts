import { Construct } from 'constructs';
import type { Cache } from './cache.ts';
import type { Configuration } from './configuration.ts';
import type { EventQueues } from './event-queues.ts';
import type { CodeBase } from './function-code.ts';
import type { FunctionSize } from './function-size.ts';
import type { Ledger } from './ledger.ts';
import type { OperationalEvents } from './operational-events.ts';
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
  readonly events: OperationalEvents;
}

/**
 * `dns.lookup` runs on libuv's thread pool, by default with four threads: four lookups of one partner whose name servers
 * hang would block the lookups of all others.
 */
const THREADS = 16;

/** The share of DeliverTask's concurrency that one slow endpoint may use, so that up to five do not delay each other. */
const SLOW_ENDPOINT_SHARE = 1 / 5;

/** Assumed for a DeliverTask without reserved concurrency: the whole concurrency of a new account. */
const UNRESERVED_CONCURRENCY = 10;

/** Maximum number of concurrent attempts to one slow endpoint, at least 1. */
export function slowEndpointAttempts({ reservedConcurrency = UNRESERVED_CONCURRENCY }: FunctionSize): number {
  return Math.max(1, Math.floor(reservedConcurrency * SLOW_ENDPOINT_SHARE));
}

/**
 * Maximum number of environments that send at the same time: the event source mapping's concurrency for DeliverBatch plus
 * DeliverTask's reserved concurrency. While Valkey is down each environment applies its share of a partner's limit. In stages
 * without reserved concurrency for DeliverTask (`local`, `dev`) there may be more.
 */
function sendingEnvironments({ eventSources, functions }: Pick<Stage, 'eventSources' | 'functions'>): number {
  const { reservedConcurrency = UNRESERVED_CONCURRENCY } = functions.deliverTask;
  return eventSources.deliveries.maxConcurrency + reservedConcurrency;
}

/** The only functions that call partners: for batches from the deliveries queue, for the workflow, and for test events. */
export class Delivery extends Construct {
  readonly batch: PipelineFunction;
  readonly task: PipelineFunction;
  /** Operators invoke it with their own permissions. It runs in the VPC, so that tests have the webhooks' source address. */
  private readonly sendTest: PipelineFunction;
  private readonly stage: Stage;

  constructor(scope: Construct, id: string, props: DeliveryProps) {
    super(scope, id);
    const { codeBase, configuration, secrets, cache, ledger, events } = props;
    const { stage } = codeBase;
    this.stage = stage;
    const shared = { codeBase, inVpc: true };
    this.batch = new PipelineFunction(this, 'DeliverBatch', { ...shared, resendsToOwnQueue: true });
    this.task = new PipelineFunction(this, 'DeliverTask', shared);
    this.sendTest = new PipelineFunction(this, 'SendTest', shared);
    for (const fn of [this.batch, this.task, this.sendTest]) {
      configuration.grantReadIntegrations(fn);
      secrets.grantReadIntegrations(fn);
      this.allowPartners(fn);
    }
    // SendTest bypasses rate limiter and circuit breaker, so that an operator can check a failing endpoint. A test event is
    // not recorded in the ledger.
    for (const fn of [this.batch, this.task]) {
      cache.grantUse(fn);
      ledger.grantDeliver(fn);
      events.grantPut(fn);
      fn.setVariable('SLOW_ENDPOINT_ATTEMPTS', String(slowEndpointAttempts(this.task.size)));
      fn.setVariable('SENDING_ENVIRONMENTS', String(sendingEnvironments(stage)));
    }
    stackOutputs(this, {
      SendTestFunctionName: [
        this.sendTest.lambda.functionName,
        'Sends one test event to a partner: ./ltw send-test invokes it with your credentials',
      ],
    });
  }

  /**
   * Connects DeliverBatch to the deliveries queue. It sends deliveries that are due within minutes to the same queue again,
   * with a delay, and starts a workflow for those that wait longer or are retried.
   */
  connect({ deliveries, outcomes }: EventQueues, workflow: RetryWorkflow): void {
    this.batch.consume(deliveries.queue, 'DELIVERIES_QUEUE_URL', this.stage.eventSources.deliveries);
    this.batch.grantSend(deliveries.queue, 'DELIVERIES_QUEUE_URL');
    this.batch.grantSend(deliveries.deadLetters, 'DELIVERIES_DEAD_LETTER_QUEUE_URL');
    workflow.grantStart(this.batch);
    for (const fn of [this.batch, this.task]) fn.grantSend(outcomes.queue, 'OUTCOMES_QUEUE_URL');
  }

  private allowPartners(fn: PipelineFunction): void {
    const { allowPlainHttp, allowedCidrs, allowedPorts } = this.stage.partners;
    fn.setVariable('ALLOW_PLAIN_HTTP', String(allowPlainHttp));
    fn.setVariable('ALLOWED_CIDRS', allowedCidrs.join(','));
    fn.setVariable('ALLOWED_PORTS', allowedPorts === 'any' ? 'any' : allowedPorts.join(','));
    fn.setVariable('UV_THREADPOOL_SIZE', String(THREADS));
  }
}
