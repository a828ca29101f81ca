import { Duration, Validations } from 'aws-cdk-lib';
import { Rule, type RuleProps, Schedule } from 'aws-cdk-lib/aws-events';
import { LambdaFunction as FunctionTarget } from 'aws-cdk-lib/aws-events-targets';
import type { Code } from 'aws-cdk-lib/aws-lambda';
import { SqsDestination } from 'aws-cdk-lib/aws-lambda-destinations';
import type { IQueue, Queue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { deadLetterQueue } from './event-queues.ts';
import type { FunctionSize } from './function-size.ts';
import { type FunctionDefaults, PipelineFunction } from './pipeline-function.ts';
import type { RetryWorkflow } from './retry-workflow.ts';
import type { Stage } from './stage-schema.ts';

/** How an execution ends through a fault of ours. A webhook that was dead-lettered ends as SUCCEEDED. */
const FAULTS_OF_OURS = ['FAILED', 'TIMED_OUT', 'ABORTED'];

/** EventBridge delivers at least once, almost always; the sweep finds what it did not. */
const SWEEP_INTERVAL = Duration.minutes(15);

/** EventBridge keeps trying to reach the function for a day by default; after 6 h an operator should see it instead. */
const LONGEST_EVENT_AGE = Duration.hours(6);
/** Lambda's own, for an asynchronous invocation that failed. */
const INVOCATION_RETRIES = 2;

export interface RescueProps {
  readonly stage: Stage;
  readonly defaults: FunctionDefaults;
  readonly code: Code;
  readonly workflow: RetryWorkflow;
  readonly deadLetters: IQueue;
}

/** Sees to it that an execution that fails, times out or is aborted loses nothing: its input is dead-lettered. */
export class Rescue extends Construct {
  /** For the events of failed executions that could not be handled. */
  readonly undelivered: Queue;
  private readonly props: RescueProps;

  constructor(scope: Construct, id: string, props: RescueProps) {
    super(scope, id);
    this.props = props;
    const { stateMachine } = props.workflow;
    this.undelivered = deadLetterQueue(this, 'Undelivered', props.stage);
    Validations.of(this.undelivered).acknowledge({
      id: 'AwsSolutions::AwsSolutions-SQS3',
      reason: 'It is a dead letter queue: of a rule, and of asynchronous invocations.',
    });

    const { rescueExecution, sweepExecutions } = props.stage.functions;
    this.invokeOn(this.rescuer('RescueExecution', 'rescue-execution.handler', rescueExecution), {
      description: 'Retry workflow executions that ended through a fault of ours',
      eventPattern: {
        source: ['aws.states'],
        detailType: ['Step Functions Execution Status Change'],
        detail: { status: FAULTS_OF_OURS, stateMachineArn: [stateMachine.stateMachineArn] },
      },
    });
    const sweep = this.rescuer('SweepExecutions', 'sweep-executions.handler', sweepExecutions);
    sweep.allow(['states:ListExecutions'], [stateMachine.stateMachineArn]);
    this.invokeOn(sweep, {
      description: 'Looks for failed executions that no event told of',
      schedule: Schedule.rate(SWEEP_INTERVAL),
    });
  }

  private rescuer(id: string, handler: string, size: FunctionSize): PipelineFunction {
    const { defaults, code, workflow, deadLetters } = this.props;
    const fn = new PipelineFunction(this, id, {
      defaults,
      code,
      handler,
      size,
      service: 'operations',
      speaksTo: 'aws',
    });
    workflow.grantStart(fn);
    workflow.grantDescribe(fn);
    fn.grantSend(deadLetters, 'DELIVERIES_DEAD_LETTER_QUEUE_URL');
    fn.lambda.configureAsyncInvoke({
      retryAttempts: INVOCATION_RETRIES,
      maxEventAge: LONGEST_EVENT_AGE,
      onFailure: new SqsDestination(this.undelivered),
    });
    return fn;
  }

  private invokeOn(fn: PipelineFunction, rule: RuleProps): void {
    new Rule(fn, 'Rule', {
      ...rule,
      targets: [new FunctionTarget(fn.lambda, { deadLetterQueue: this.undelivered, maxEventAge: LONGEST_EVENT_AGE })],
    });
  }
}
