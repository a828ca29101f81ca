import { Duration } from 'aws-cdk-lib';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import {
  Choice,
  Condition,
  CustomState,
  type IChainable,
  JsonPath,
  Pass,
  Result,
  type RetryProps,
  Succeed,
  Timeout,
  Wait,
  WaitTime,
} from 'aws-cdk-lib/aws-stepfunctions';
import { LambdaInvoke } from 'aws-cdk-lib/aws-stepfunctions-tasks';
import type { Construct } from 'constructs';
import {
  DEAD_LETTER_ATTRIBUTES,
  type DecidedEnrichment,
  ENRICHMENT_ATTEMPTS,
  type Enrichment,
  type Outcome,
} from '../lambdas/events/delivery.ts';
import type { PipelineFunction } from './pipeline-function.ts';
import { retryDelivering, retryEnriching, retrySending } from './retriers.ts';

export interface WorkflowParts {
  readonly enrichTask: PipelineFunction;
  readonly deliverTask: PipelineFunction;
  readonly deadLetters: IQueue;
}

/** Lambda stops a function at its timeout. The state waits longer, so that it receives Lambda's error. */
const TASK_GRACE_SECONDS = 10;

/**
 * The retry workflow. Its state is one `Delivery` (lambdas/events/delivery.ts), and tasks replace `progress` only.
 *
 * The state of a Standard execution is limited to 256 KiB, so nothing else is added to it.
 */
export function retryWorkflowDefinition(scope: Construct, parts: WorkflowParts): IChainable {
  const waitUntilDue = new Wait(scope, 'WaitUntilDue', { time: WaitTime.timestampPath('$.progress.due_at') });
  // An error that no retrier lists is a bug: the execution fails, and the rescue dead-letters its delivery.
  const deliver = invoke(scope, 'Deliver', parts.deliverTask, retryDelivering);
  const composeDeadLetter = composeDeadLetterState(scope);
  const sendDeadLetter = sendDeadLetterState(scope, parts.deadLetters);
  const enrich = invoke(scope, 'Enrich', parts.enrichTask, retryEnriching);
  const fallback = new Pass(scope, 'Fallback', {
    comment: 'Every attempt to query the warehouse failed: the webhook is sent without learning time',
    result: Result.fromObject({ status: 'not_enriched', reason: 'warehouse_unavailable' } satisfies DecidedEnrichment),
    resultPath: '$.progress.enrichment',
  });
  const finished = new Succeed(scope, 'Finished', {
    comment: 'The output is the final progress, without the payload',
    outputPath: '$.progress',
  });

  waitUntilDue.next(
    new Choice(scope, 'ChooseNextStep')
      .when(Condition.and(Condition.isPresent('$.progress.outcome'), outcomeIs('dead')), composeDeadLetter)
      .when(enrichmentIs('pending'), enrich)
      .otherwise(deliver),
  );
  // The error stays in the execution's history only: in the state, a long one could exceed the limit.
  enrich.addCatch(fallback, { errors: ['States.ALL'], resultPath: JsonPath.DISCARD });
  enrich.next(
    new Choice(scope, 'IsEnrichmentSettled')
      .when(
        Condition.and(
          enrichmentIs('pending'),
          Condition.numberGreaterThanEquals('$.progress.enrichment.attempts', ENRICHMENT_ATTEMPTS),
        ),
        fallback,
      )
      .when(enrichmentIs('pending'), waitUntilDue)
      .otherwise(deliver),
  );
  fallback.next(deliver);
  deliver.next(
    new Choice(scope, 'CheckOutcome')
      .when(outcomeIs('retry'), waitUntilDue)
      .when(outcomeIs('dead'), composeDeadLetter)
      .otherwise(finished),
  );
  composeDeadLetter.next(sendDeadLetter).next(finished);
  return waitUntilDue;
}

function invoke(scope: Construct, id: string, task: PipelineFunction, retriers: readonly RetryProps[]): LambdaInvoke {
  const state = new LambdaInvoke(scope, id, {
    lambdaFunction: task.lambda,
    payloadResponseOnly: true,
    retryOnServiceExceptions: false,
    resultPath: '$.progress',
    taskTimeout: Timeout.duration(Duration.seconds(task.size.timeoutSeconds + TASK_GRACE_SECONDS)),
  });
  for (const retrier of retriers) state.addRetry(retrier);
  return state;
}

/**
 * Adds the dead-letter message: the delivery with the fields of `redrive`.
 *
 * It is a separate state, and reads `progress` first: an engine that merges in place (the local one) would otherwise merge again
 * when the message is resent.
 */
function composeDeadLetterState(scope: Construct): Pass {
  return new Pass(scope, 'ComposeDeadLetter', {
    parameters: {
      'progress.$': '$.progress',
      'message.$': 'States.JsonMerge($, $.progress.redrive, false)',
    },
  });
}

/**
 * Sends the dead-letter message. Written in ASL, because CDK's `SqsSendMessage` has no message attributes.
 *
 * The body is an object that the SQS integration serializes: as text it would be escaped again, and could exceed 256 KiB.
 */
function sendDeadLetterState(scope: Construct, deadLetters: IQueue): CustomState {
  const attribute = (path: string) => ({ DataType: 'String', 'StringValue.$': path });
  const state = new CustomState(scope, 'SendDeadLetter', {
    stateJson: {
      Type: 'Task',
      Resource: 'arn:aws:states:::sqs:sendMessage',
      Parameters: {
        QueueUrl: deadLetters.queueUrl,
        'MessageBody.$': '$.message',
        MessageAttributes: {
          [DEAD_LETTER_ATTRIBUTES.reason]: attribute('$.progress.reason'),
          [DEAD_LETTER_ATTRIBUTES.integrationId]: attribute('$.message.integration_id'),
          [DEAD_LETTER_ATTRIBUTES.webhookId]: attribute('$.message.webhook_id'),
        },
      },
      ResultPath: null,
    },
  });
  for (const retrier of retrySending) state.addRetry(retrier);
  return state;
}

function outcomeIs(outcome: Outcome): Condition {
  return Condition.stringEquals('$.progress.outcome', outcome);
}

function enrichmentIs(status: Enrichment['status']): Condition {
  return Condition.stringEquals('$.progress.enrichment.status', status);
}
