import { Duration } from 'aws-cdk-lib';
import { Schedule } from 'aws-cdk-lib/aws-events';
import type { Queue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import type { ReconcileInput } from '../lambdas/ledger/reconciliation.ts';
import type { Configuration } from './configuration.ts';
import type { EventQueues } from './event-queues.ts';
import type { CodeBase } from './function-code.ts';
import { invokeByRules, undeliveredQueue } from './invoked-by-rules.ts';
import type { Ledger } from './ledger.ts';
import type { OperationalEvents } from './operational-events.ts';
import { stackOutputs } from './outputs.ts';
import { PipelineFunction } from './pipeline-function.ts';

export interface ReconcilerProps {
  readonly codeBase: CodeBase;
  readonly ledger: Ledger;
  readonly configuration: Configuration;
  readonly events: OperationalEvents;
  readonly queues: EventQueues;
}

/**
 * Checks the ledger: resends stuck webhooks, releases parked ones, and dead-letters those that were parked for too long.
 * Operators invoke it too, with their own permissions.
 *
 * If the stage reserves a concurrency of 1, a run that starts during another one is throttled, and Lambda retries it. In other
 * stages two runs may overlap. Each write to the ledger is conditional on what was read, so one of them wins, but a dead-letter
 * message may be sent twice.
 */
export class Reconciler extends Construct {
  readonly reconcile: PipelineFunction;
  /** For runs that could not start or failed; the next run makes up for them. */
  readonly undelivered: Queue;

  constructor(scope: Construct, id: string, props: ReconcilerProps) {
    super(scope, id);
    const { codeBase, ledger, configuration, events, queues } = props;
    this.undelivered = undeliveredQueue(this, codeBase.stage);
    this.reconcile = new PipelineFunction(this, 'Reconcile', { codeBase, inVpc: false });
    ledger.grantReconcile(this.reconcile);
    configuration.grantReadIntegrations(this.reconcile);
    events.grantPut(this.reconcile);
    this.reconcile.grantSend(queues.deliveries.queue, 'DELIVERIES_QUEUE_URL');
    this.reconcile.grantSend(queues.deliveries.deadLetters, 'DELIVERIES_DEAD_LETTER_QUEUE_URL');
    this.reconcile.setVariable('OUTCOMES_QUEUE_URL', queues.outcomes.queue.queueUrl);
    this.reconcile.allow(['sqs:GetQueueAttributes'], [queues.outcomes.queue.queueArn]);
    const occasions = {
      Hourly: {
        description: 'Finds webhooks that are stuck, since the last run',
        schedule: Schedule.rate(Duration.hours(1)),
        input: { incremental: true } satisfies ReconcileInput,
      },
    };
    invokeByRules(this.reconcile, occasions, this.undelivered);
    stackOutputs(this, {
      ReconcileFunctionName: [
        this.reconcile.lambda.functionName,
        'Finds stuck webhooks every hour: ./ltw reconcile invokes it with your credentials, to balance the ledger',
      ],
      ReconcileDeadLetterQueueUrl: [
        this.undelivered.queueUrl,
        'Failed runs of the reconciler: should stay empty; the next run makes up for them',
      ],
    });
  }
}
