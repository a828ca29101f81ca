import { Duration } from 'aws-cdk-lib';
import { Schedule } from 'aws-cdk-lib/aws-events';
import type { IQueue, Queue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import type { CodeBase } from './function-code.ts';
import { invokeByRules, undeliveredQueue } from './invoked-by-rules.ts';
import type { Ledger } from './ledger.ts';
import { stackOutputs } from './outputs.ts';
import { PipelineFunction } from './pipeline-function.ts';
import type { RetryWorkflow } from './retry-workflow.ts';

/** How an execution ends through a fault of ours. A webhook that was dead-lettered ends as SUCCEEDED. */
const FAULTS_OF_OURS = ['FAILED', 'TIMED_OUT', 'ABORTED'];

/** EventBridge delivers at least once, almost always; the sweep finds what it did not. */
const SWEEP_INTERVAL = Duration.minutes(15);

export interface RescueProps {
  readonly codeBase: CodeBase;
  readonly workflow: RetryWorkflow;
  readonly ledger: Ledger;
  readonly deadLetters: IQueue;
}

/** Sees to it that an execution that fails, times out or is aborted loses nothing: its input is dead-lettered. */
export class Rescue extends Construct {
  /** For the events of failed executions that could not be handled. */
  readonly undelivered: Queue;
  readonly functions: readonly PipelineFunction[];
  private readonly props: RescueProps;

  constructor(scope: Construct, id: string, props: RescueProps) {
    super(scope, id);
    this.props = props;
    const { stateMachine } = props.workflow;
    this.undelivered = undeliveredQueue(this, props.codeBase.stage);

    const rescue = this.rescuer('RescueExecution');
    const ending = {
      description: 'Retry workflow executions that ended through a fault of ours',
      eventPattern: {
        source: ['aws.states'],
        detailType: ['Step Functions Execution Status Change'],
        detail: { status: FAULTS_OF_OURS, stateMachineArn: [stateMachine.stateMachineArn] },
      },
    };
    invokeByRules(rescue, { Rule: ending }, this.undelivered);
    const sweep = this.rescuer('SweepExecutions');
    sweep.allow(['states:ListExecutions'], [stateMachine.stateMachineArn]);
    props.ledger.grantSweep(sweep);
    const interval = {
      description: 'Looks for failed executions that no event told of',
      schedule: Schedule.rate(SWEEP_INTERVAL),
    };
    invokeByRules(sweep, { Rule: interval }, this.undelivered);
    this.functions = [rescue, sweep];
    stackOutputs(this, {
      RescueDeadLetterQueueUrl: [this.undelivered.queueUrl, 'Failed rescues: should stay empty'],
    });
  }

  private rescuer(id: 'RescueExecution' | 'SweepExecutions'): PipelineFunction {
    const { codeBase, workflow, deadLetters } = this.props;
    const fn = new PipelineFunction(this, id, { codeBase, speaksTo: 'aws' });
    workflow.grantStart(fn);
    workflow.grantDescribe(fn);
    fn.grantSend(deadLetters, 'DELIVERIES_DEAD_LETTER_QUEUE_URL');
    return fn;
  }
}
