import type { Code } from 'aws-cdk-lib/aws-lambda';
import { Construct } from 'constructs';
import type { Configuration } from './configuration.ts';
import type { EventQueues } from './event-queues.ts';
import { type FunctionDefaults, PipelineFunction } from './pipeline-function.ts';
import type { RetryWorkflow } from './retry-workflow.ts';
import type { Stage } from './stage-schema.ts';

export interface DeliveryProps {
  readonly stage: Stage;
  readonly defaults: FunctionDefaults;
  readonly code: Code;
  readonly configuration: Configuration;
}

/** Speaks to partners, and is alone in doing so: batches from the deliveries queue, and one by one in the workflow. */
export class Delivery extends Construct {
  readonly batch: PipelineFunction;
  readonly task: PipelineFunction;
  private readonly stage: Stage;

  constructor(scope: Construct, id: string, { stage, defaults, code, configuration }: DeliveryProps) {
    super(scope, id);
    this.stage = stage;
    const shared = { defaults, code, service: 'delivery', speaksTo: 'vpc' } as const;
    this.batch = new PipelineFunction(this, 'DeliverBatch', {
      ...shared,
      handler: 'deliver-batch.handler',
      size: stage.functions.deliverBatch,
    });
    this.task = new PipelineFunction(this, 'DeliverTask', {
      ...shared,
      handler: 'deliver-task.handler',
      size: stage.functions.deliverTask,
    });
    for (const fn of [this.batch, this.task]) {
      configuration.grantReadIntegrations(fn);
      fn.setVariable('ALLOW_PLAIN_HTTP', String(stage.allowPlainHttp));
    }
  }

  /** Feeds the batch function from the deliveries queue; what must wait or try again goes to the workflow. */
  connect({ deliveries }: EventQueues, workflow: RetryWorkflow): void {
    this.batch.consume(deliveries.queue, this.stage.eventSources.deliveries);
    // The handler lengthens visibility itself; the consumer's permissions include that.
    this.batch.setVariable('DELIVERIES_QUEUE_URL', deliveries.queue.queueUrl);
    this.batch.grantSend(deliveries.deadLetters, 'DELIVERIES_DEAD_LETTER_QUEUE_URL');
    workflow.grantStart(this.batch);
  }
}
