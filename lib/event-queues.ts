import { Duration } from 'aws-cdk-lib';
import { AccountPrincipal, ArnPrincipal, PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { Queue, QueueEncryption } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import type { FunctionSize } from './function-size.ts';
import { stackOutputs } from './outputs.ts';
import { removalPolicy } from './removal.ts';
import type { EventSource, Stage } from './stage-schema.ts';

/** Nearly every failure passes, so hardly anything is dead-lettered by count; handlers do it, with a reason. */
const MAX_RECEIVE_COUNT = 1000;
const SOURCE_RETENTION = Duration.days(4);
/** SQS counts a dead letter's age from when it was first sent: the longest retention there is. */
const DEAD_LETTER_RETENTION = Duration.days(14);
/** AWS's rule for queues that Lambda reads: six timeouts and the window, so that throttled polls can be repeated. */
const VISIBILITY_IN_TIMEOUTS = 6;

/** A queue and its dead letter queue. */
export interface QueuePair {
  readonly queue: Queue;
  readonly deadLetters: Queue;
}

/**
 * The two queues that every event passes, and one for outcomes that the ledger did not take, each with its dead letter
 * queue. Encrypted by SQS's own key: a publisher in another account then needs no grant on a key.
 */
export class EventQueues extends Construct {
  readonly events: QueuePair;
  readonly deliveries: QueuePair;
  /** Outcomes that the ledger did not take. */
  readonly outcomes: QueuePair;
  private readonly stage: Stage;

  constructor(scope: Construct, id: string, stage: Stage) {
    super(scope, id);
    this.stage = stage;
    const { eventSources, functions } = stage;
    this.events = this.pair('Events', eventSources.events, functions.enrichBatch);
    this.deliveries = this.pair('Deliveries', eventSources.deliveries, functions.deliverBatch);
    this.outcomes = this.pair('Outcomes', eventSources.outcomes, functions.settleOutcomes);
    this.letPublish(stage.publisherPrincipals);
    const { events, deliveries, outcomes } = this;
    stackOutputs(this, {
      EventsQueueUrl: [events.queue.queueUrl, 'The LMS sends its events here'],
      EventsQueueArn: [events.queue.queueArn, 'For the publisher’s own policy: allow sqs:SendMessage on it'],
      EventsDeadLetterQueueUrl: [events.deadLetters.queueUrl, 'Events that could not be read: should stay empty'],
      DeliveriesQueueUrl: [deliveries.queue.queueUrl, 'Webhooks on their way to partners'],
      DeliveriesQueueArn: [deliveries.queue.queueArn, 'Where ./ltw redrive moves dead letters to: its DestinationArn'],
      DeliveriesDeadLetterQueueUrl: [
        deliveries.deadLetters.queueUrl,
        'Webhooks that were given up, each with its reason: ./ltw redrive sends them anew',
      ],
      DeliveriesDeadLetterQueueArn: [
        deliveries.deadLetters.queueArn,
        'Where ./ltw redrive moves dead letters from: its SourceArn',
      ],
      OutcomesQueueUrl: [outcomes.queue.queueUrl, 'Outcomes that the ledger did not take: settled as soon as it does'],
      OutcomesQueueArn: [outcomes.queue.queueArn, 'Where its dead letters are moved back to: a DestinationArn'],
      OutcomesDeadLetterQueueUrl: [
        outcomes.deadLetters.queueUrl,
        'Outcomes that could not be settled for three days: should stay empty',
      ],
      OutcomesDeadLetterQueueArn: [
        outcomes.deadLetters.queueArn,
        'For aws sqs start-message-move-task: its SourceArn, to have them settled after all',
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
   * `sqs:SendMessage`, which covers batches too, on the events queue: no more. A principal of another account needs its
   * own account's permission as well; an account id stands for whomever that account gives it to.
   */
  private letPublish(principals: readonly string[]): void {
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

/** A queue for what nothing reads but an operator. */
export function deadLetterQueue(scope: Construct, id: string, stage: Stage): Queue {
  return new Queue(scope, id, {
    encryption: QueueEncryption.SQS_MANAGED,
    enforceSSL: true,
    retentionPeriod: DEAD_LETTER_RETENTION,
    removalPolicy: removalPolicy(stage),
  });
}
