import { Construct } from 'constructs';
import type { Cache } from './cache.ts';
import type { Configuration } from './configuration.ts';
import type { EventQueues } from './event-queues.ts';
import type { CodeBase } from './function-code.ts';
import type { Ledger } from './ledger.ts';
import { stackOutputs } from './outputs.ts';
import { PipelineFunction } from './pipeline-function.ts';
import type { RetryWorkflow } from './retry-workflow.ts';
import type { Stage } from './stage-schema.ts';
import type { Warehouse } from './warehouse.ts';

export interface EnrichmentProps {
  readonly codeBase: CodeBase;
  readonly configuration: Configuration;
  readonly cache: Cache;
  readonly ledger: Ledger;
  readonly warehouse: Warehouse;
}

/** Adds learning time, to batches from the events queue and to single events in the retry workflow. */
export class Enrichment extends Construct {
  readonly batch: PipelineFunction;
  readonly task: PipelineFunction;
  /** Operators invoke it with their own permissions. It runs in the VPC, so that the check has the queries' source address. */
  private readonly checkWarehouse: PipelineFunction;
  private readonly stage: Stage;

  constructor(scope: Construct, id: string, props: EnrichmentProps) {
    super(scope, id);
    const { codeBase, configuration, cache, ledger, warehouse } = props;
    this.stage = codeBase.stage;
    const shared = { codeBase, inVpc: true };
    this.batch = new PipelineFunction(this, 'EnrichBatch', shared);
    this.task = new PipelineFunction(this, 'EnrichTask', shared);
    this.checkWarehouse = new PipelineFunction(this, 'CheckWarehouse', shared);
    for (const fn of [this.batch, this.task]) {
      configuration.grantReadFlags(fn);
      cache.grantUse(fn);
    }
    configuration.grantReadIntegrations(this.batch);
    warehouse.grantQuery(this.batch, 'enrich-batch');
    warehouse.grantQuery(this.task, 'enrich-task');
    warehouse.grantQuery(this.checkWarehouse, 'check-warehouse');
    // EnrichTask needs no ledger: it returns to the workflow, and the delivering functions settle the outcome.
    ledger.grantDeliver(this.batch);
    stackOutputs(this, {
      CheckWarehouseFunctionName: [
        this.checkWarehouse.lambda.functionName,
        'Checks login, grants and columns in Snowflake: ./ltw check-warehouse invokes it with your credentials',
      ],
    });
  }

  /** Connects EnrichBatch to the events queue; events that it cannot enrich in time go to the workflow. */
  connect({ events, deliveries, outcomes }: EventQueues, workflow: RetryWorkflow): void {
    this.batch.consume(events.queue, 'EVENTS_QUEUE_URL', this.stage.eventSources.events);
    this.batch.grantSend(events.deadLetters, 'EVENTS_DEAD_LETTER_QUEUE_URL');
    this.batch.grantSend(deliveries.queue, 'DELIVERIES_QUEUE_URL');
    this.batch.grantSend(outcomes.queue, 'OUTCOMES_QUEUE_URL');
    workflow.grantStart(this.batch);
  }
}
