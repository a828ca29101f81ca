import { Duration, Validations } from 'aws-cdk-lib';
import { Rule, type RuleProps, RuleTargetInput } from 'aws-cdk-lib/aws-events';
import { LambdaFunction as FunctionTarget } from 'aws-cdk-lib/aws-events-targets';
import { SqsDestination } from 'aws-cdk-lib/aws-lambda-destinations';
import type { Queue } from 'aws-cdk-lib/aws-sqs';
import type { Construct } from 'constructs';
import { deadLetterQueue } from './event-queues.ts';
import type { PipelineFunction } from './pipeline-function.ts';
import type { Stage } from './stage-schema.ts';

/** EventBridge retries for a day by default; after 6 h an operator should see the failure. */
const LONGEST_EVENT_AGE = Duration.hours(6);
/** Lambda's default for asynchronous invocations that fail. */
const INVOCATION_RETRIES = 2;

/** A rule that invokes a function. */
export interface Occasion extends RuleProps {
  /** The function's input; absent: the event itself. */
  readonly input?: object;
}

/** A queue for events that could not be delivered to a function, or that it failed to handle. */
export function undeliveredQueue(scope: Construct, stage: Stage): Queue {
  const queue = deadLetterQueue(scope, 'Undelivered', stage);
  Validations.of(queue).acknowledge({
    id: 'AwsSolutions::AwsSolutions-SQS3',
    reason: 'It is a dead-letter queue, of rules and of asynchronous invocations.',
  });
  return queue;
}

/**
 * Lets EventBridge invoke a function. Failed invocations are retried, then their events go to the queue.
 *
 * @param occasions by the ids of their rules
 */
export function invokeByRules(
  fn: PipelineFunction,
  occasions: Readonly<Record<string, Occasion>>,
  undelivered: Queue,
): void {
  fn.lambda.configureAsyncInvoke({
    retryAttempts: INVOCATION_RETRIES,
    maxEventAge: LONGEST_EVENT_AGE,
    onFailure: new SqsDestination(undelivered),
  });
  for (const [id, { input, ...rule }] of Object.entries(occasions)) {
    const target = new FunctionTarget(fn.lambda, {
      deadLetterQueue: undelivered,
      maxEventAge: LONGEST_EVENT_AGE,
      ...(input !== undefined && { event: RuleTargetInput.fromObject(input) }),
    });
    new Rule(fn, id, { ...rule, targets: [target] });
  }
}
