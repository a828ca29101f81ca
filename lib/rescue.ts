import { Duration } from 'aws-cdk-lib';
import { Schedule } from 'aws-cdk-lib/aws-events';
import type { IQueue, Queue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import type { CodeBase } from './function-code.ts';
import { invokeByRules, undeliveredQueue } from './invoked-by-rules.ts';
import type { Ledger } from './ledger.ts';
import type { OperationalEvents } from './operational-events.ts';
import { stackOutputs } from './outputs.ts';
import { PipelineFunction } from './pipeline-function.ts';
import type { RetryWorkflow } from './retry-workflow.ts';

/** Statuses of executions that a fault of ours ended. An execution that dead-letters its webhook ends as SUCCEEDED. */
const FAULTS_OF_OURS = ['FAILED', 'TIMED_OUT', 'ABORTED'];

/** The sweep finds failed executions whose event EventBridge did not deliver. */
const SWEEP_INTERVAL = Duration.minutes(15);

export interface RescueProps {
  readonly codeBase: CodeBase;
  readonly workflow: RetryWorkflow;
  readonly ledger: Ledger;
  readonly events: OperationalEvents;
  readonly deadLetters: IQueue;
}

/** Continues or dead-letters the delivery of an execution that failed, timed out or was aborted. */
export class Rescue extends Construct {
  /** Events of failed executions that could not be handled. */
  readonly undelivered: Queue;
  readonly functions: readonly PipelineFunction[];

  constructor(scope: Construct, id: string, { codeBase, workflow, ledger, events, deadLetters }: RescueProps) {
    super(scope, id);
    const { stateMachineArn } = workflow.stateMachine;
    this.undelivered = undeliveredQueue(this, codeBase.stage);
    const rescue = new PipelineFunction(this, 'RescueExecution', { codeBase, inVpc: false });
    const sweep = new PipelineFunction(this, 'SweepExecutions', { codeBase, inVpc: false });
    this.functions = [rescue, sweep];
    for (const fn of this.functions) {
      workflow.grantStart(fn);
      workflow.grantDescribe(fn);
      events.grantPut(fn);
      fn.grantSend(deadLetters, 'DELIVERIES_DEAD_LETTER_QUEUE_URL');
    }
    sweep.allow(['states:ListExecutions'], [stateMachineArn]);
    ledger.grantSweep(sweep);
    const failed = {
      description: 'Retry workflow executions that failed, timed out or were aborted',
      eventPattern: {
        source: ['aws.states'],
        detailType: ['Step Functions Execution Status Change'],
        detail: { status: FAULTS_OF_OURS, stateMachineArn: [stateMachineArn] },
      },
    };
    const interval = {
      description: 'Looks for failed executions whose event was not delivered',
      schedule: Schedule.rate(SWEEP_INTERVAL),
    };
    invokeByRules(rescue, { Rule: failed }, this.undelivered);
    invokeByRules(sweep, { Rule: interval }, this.undelivered);
    stackOutputs(this, {
      RescueDeadLetterQueueUrl: [this.undelivered.queueUrl, 'Failed rescues: should stay empty'],
    });
  }
}
