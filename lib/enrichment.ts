import type { Code } from 'aws-cdk-lib/aws-lambda';
import { Construct } from 'constructs';
import type { Cache } from './cache.ts';
import type { Configuration } from './configuration.ts';
import type { EventQueues } from './event-queues.ts';
import type { Ledger } from './ledger.ts';
import { type FunctionDefaults, PipelineFunction } from './pipeline-function.ts';
import type { RetryWorkflow } from './retry-workflow.ts';
import type { Stage } from './stage-schema.ts';
import type { Warehouse } from './warehouse.ts';

export interface EnrichmentProps {
  readonly stage: Stage;
  readonly defaults: FunctionDefaults;
  readonly code: Code;
  readonly configuration: Configuration;
  readonly cache: Cache;
  readonly ledger: Ledger;
  readonly warehouse: Warehouse;
}

/** Adds learning time: to batches from the events queue, and one by one in the retry workflow. */
export class Enrichment extends Construct {
  readonly batch: PipelineFunction;
  readonly task: PipelineFunction;
  /** Invoked by operators, each by their own permission. In the VPC, so that the check is made from where queries come from. */
  readonly checkWarehouse: PipelineFunction;
  private readonly stage: Stage;
  private readonly configuration: Configuration;

  constructor(scope: Construct, id: string, props: EnrichmentProps) {
    super(scope, id);
    const { stage, defaults, code, configuration, cache, ledger, warehouse } = props;
    this.stage = stage;
    this.configuration = configuration;
    const shared = { defaults, code, service: 'enrichment', speaksTo: 'vpc' } as const;
    this.batch = new PipelineFunction(this, 'EnrichBatch', {
      ...shared,
      handler: 'enrich-batch.handler',
      size: stage.functions.enrichBatch,
    });
    this.task = new PipelineFunction(this, 'EnrichTask', {
      ...shared,
      handler: 'enrich-task.handler',
      size: stage.functions.enrichTask,
    });
    this.checkWarehouse = new PipelineFunction(this, 'CheckWarehouse', {
      ...shared,
      handler: 'check-warehouse.handler',
      size: stage.functions.checkWarehouse,
    });
    for (const fn of [this.batch, this.task]) {
      configuration.grantReadFlags(fn);
      cache.grantUse(fn);
    }
    warehouse.grantQuery(this.batch, 'enrich-batch');
    warehouse.grantQuery(this.task, 'enrich-task');
    warehouse.grantQuery(this.checkWarehouse, 'check-warehouse');
    // The task answers the workflow, which has the delivery in hand: what became of it, the deliverers write down.
    ledger.grantAccept(this.batch);
  }

  /** Feeds the batch function from the events queue; what it cannot answer goes to the workflow. */
  connect({ events, deliveries, outcomes }: EventQueues, workflow: RetryWorkflow): void {
    this.configuration.grantReadIntegrations(this.batch);
    this.batch.consume(events.queue, this.stage.eventSources.events);
    // The handler lengthens visibility itself; the consumer's permissions include that.
    this.batch.setVariable('EVENTS_QUEUE_URL', events.queue.queueUrl);
    this.batch.grantSend(events.deadLetters, 'EVENTS_DEAD_LETTER_QUEUE_URL');
    this.batch.grantSend(deliveries.queue, 'DELIVERIES_QUEUE_URL');
    this.batch.grantSend(outcomes.queue, 'OUTCOMES_QUEUE_URL');
    workflow.grantStart(this.batch);
  }
}
