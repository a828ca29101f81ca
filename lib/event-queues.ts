import { Duration } from 'aws-cdk-lib';
import { AccountPrincipal, ArnPrincipal, PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { Queue, QueueEncryption } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import type { FunctionSize } from './function-size.ts';
import { stackOutputs } from './outputs.ts';
import { removalPolicy } from './removal.ts';
import type { EventSource, Stage } from './stage-schema.ts';

/** Almost every failure is transient, so the count is a last resort; handlers dead-letter messages with a reason. */
const MAX_RECEIVE_COUNT = 1000;
const SOURCE_RETENTION = Duration.days(4);
/** SQS's maximum. SQS counts a dead-letter message's age from its first send. */
const DEAD_LETTER_RETENTION = Duration.days(14);
/** AWS recommends six function timeouts plus the batching window, so that Lambda can retry throttled invocations. */
const VISIBILITY_IN_TIMEOUTS = 6;

/** A queue and its dead-letter queue. */
export interface QueuePair {
  readonly queue: Queue;
  readonly deadLetters: Queue;
}

/**
 * The two queues that every event passes, and one for outcomes that the ledger did not accept, each with a dead-letter queue.
 * Encrypted with SQS's own key, so that a publisher in another account needs no grant on a key.
 */
export class EventQueues extends Construct {
  readonly events: QueuePair;
  readonly deliveries: QueuePair;
  /** Outcomes that the ledger did not accept. */
  readonly outcomes: QueuePair;
  private readonly stage: Stage;

  constructor(scope: Construct, id: string, stage: Stage) {
    super(scope, id);
    this.stage = stage;
    const { eventSources, functions } = stage;
    this.events = this.pair('Events', eventSources.events, functions.enrichBatch);
    this.deliveries = this.pair('Deliveries', eventSources.deliveries, functions.deliverBatch);
    this.outcomes = this.pair('Outcomes', eventSources.outcomes, functions.settleOutcomes);
    this.allowPublishers(stage.publisherPrincipals);
    const { events, deliveries, outcomes } = this;
    stackOutputs(this, {
      EventsQueueUrl: [events.queue.queueUrl, 'The LMS publishes events here'],
      EventsQueueArn: [events.queue.queueArn, 'For the publisher’s own policy: allow sqs:SendMessage on it'],
      EventsDeadLetterQueueUrl: [events.deadLetters.queueUrl, 'Events that could not be read: should stay empty'],
      DeliveriesQueueUrl: [deliveries.queue.queueUrl, 'Deliveries that are due'],
      DeliveriesQueueArn: [deliveries.queue.queueArn, 'DestinationArn of ./ltw redrive'],
      DeliveriesDeadLetterQueueUrl: [
        deliveries.deadLetters.queueUrl,
        'Dead-lettered webhooks, each with its reason: ./ltw redrive resends them',
      ],
      DeliveriesDeadLetterQueueArn: [deliveries.deadLetters.queueArn, 'SourceArn of ./ltw redrive'],
      OutcomesQueueUrl: [
        outcomes.queue.queueUrl,
        'Outcomes that the ledger did not accept: settled when it responds again',
      ],
      OutcomesQueueArn: [
        outcomes.queue.queueArn,
        'DestinationArn of aws sqs start-message-move-task, for its dead-letter messages',
      ],
      OutcomesDeadLetterQueueUrl: [
        outcomes.deadLetters.queueUrl,
        'Outcomes that could not be settled for three days: should stay empty',
      ],
      OutcomesDeadLetterQueueArn: [
        outcomes.deadLetters.queueArn,
        'SourceArn of aws sqs start-message-move-task, to settle them after all',
      ],
    });
  }

  private pair(name: string, source: EventSource, { timeoutSeconds }: FunctionSize): QueuePair {
    const deadLetters = deadLetterQueue(this, `${name}DeadLetters`, this.stage);
    const queue = new Queue(this, name, {
      encryption: QueueEncryption.SQS_MANAGED,
      enforceSSL: true,
      retentionPeriod: SOURCE_RETENTION,
      visibilityTimeout: Duration.seconds(VISIBILITY_IN_TIMEOUTS * timeoutSeconds + source.windowSeconds),
      deadLetterQueue: { queue: deadLetters, maxReceiveCount: MAX_RECEIVE_COUNT },
      removalPolicy: removalPolicy(this.stage),
    });
    return { queue, deadLetters };
  }

  /**
   * Allows `sqs:SendMessage`, which includes batches, on the events queue only. A principal of another account also needs its
   * own account's permission; with an account id, that account decides which of its principals may send.
   */
  private allowPublishers(principals: readonly string[]): void {
    if (principals.length === 0) return;
    this.events.queue.addToResourcePolicy(
      new PolicyStatement({
        sid: 'Publishers',
        actions: ['sqs:SendMessage'],
        principals: principals.map((principal) =>
          principal.startsWith('arn:') ? new ArnPrincipal(principal) : new AccountPrincipal(principal),
        ),
        resources: [this.events.queue.queueArn],
      }),
    );
  }
}

/** A dead-letter queue, which only operators read. */
export function deadLetterQueue(scope: Construct, id: string, stage: Stage): Queue {
  return new Queue(scope, id, {
    encryption: QueueEncryption.SQS_MANAGED,
    enforceSSL: true,
    retentionPeriod: DEAD_LETTER_RETENTION,
    removalPolicy: removalPolicy(stage),
  });
}
