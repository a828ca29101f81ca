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
import { stackOutputs } from './outputs.ts';
import { PipelineFunction } from './pipeline-function.ts';

export interface ReconcilerProps {
  readonly codeBase: CodeBase;
  readonly ledger: Ledger;
  readonly configuration: Configuration;
  readonly queues: EventQueues;
}

/**
 * Proves by the ledger that nothing is missing: sends what is stuck anew, releases what was parked, ends what was for too
 * long. Operators invoke it too, each by their own permission.
 *
 * Where the stage reserves one instance for it, a run that begins during another one is throttled, and Lambda repeats it
 * until that one has ended. Elsewhere two may meet: each change of the ledger is conditional on what was read, so that one
 * of them wins; a dead letter may be there twice then.
 */
export class Reconciler extends Construct {
  readonly reconcile: PipelineFunction;
  /** For runs that could not begin, or failed; the next one makes up for them. */
  readonly undelivered: Queue;

  constructor(scope: Construct, id: string, props: ReconcilerProps) {
    super(scope, id);
    const { codeBase, ledger, configuration, queues } = props;
    this.undelivered = undeliveredQueue(this, codeBase.stage);
    this.reconcile = new PipelineFunction(this, 'Reconcile', { codeBase, speaksTo: 'aws' });
    ledger.grantReconcile(this.reconcile);
    configuration.grantReadIntegrations(this.reconcile);
    this.reconcile.grantSend(queues.deliveries.queue, 'DELIVERIES_QUEUE_URL');
    this.reconcile.grantSend(queues.deliveries.deadLetters, 'DELIVERIES_DEAD_LETTER_QUEUE_URL');
    this.reconcile.grantCount(queues.outcomes.queue, 'OUTCOMES_QUEUE_URL');
    const occasions = {
      Hourly: {
        description: 'Balances the ledger of the last days',
        schedule: Schedule.rate(Duration.hours(1)),
        // The function's default: the last four days.
        input: {} satisfies ReconcileInput,
      },
      Daily: {
        description: 'Balances the ledger as far back as events are held',
        schedule: Schedule.rate(Duration.days(1)),
        // Nothing older than the payloads can be sent, or replayed and lost again. Today is one more.
        input: { days: codeBase.stage.ledger.payloadDays + 1 } satisfies ReconcileInput,
      },
    };
    invokeByRules(this.reconcile, occasions, this.undelivered);
    stackOutputs(this, {
      ReconcileFunctionName: [
        this.reconcile.lambda.functionName,
        'Balances the ledger every hour: ./ltw reconcile invokes it, with your credentials',
      ],
      ReconcileDeadLetterQueueUrl: [
        this.undelivered.queueUrl,
        'Runs of the reconciler that failed: should stay empty; the next one makes up for them',
      ],
    });
  }
}
