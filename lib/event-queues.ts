import { Duration } from 'aws-cdk-lib';
import { Queue, QueueEncryption } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import type { EventSource } from './stage.ts';

/** Nearly every failure passes, so hardly anything is dead-lettered by count; handlers do it, with a reason. */
const MAX_RECEIVE_COUNT = 1000;
const SOURCE_RETENTION = Duration.days(4);
/** SQS counts a dead letter's age from when it was first sent: the longest retention there is. */
const DEAD_LETTER_RETENTION = Duration.days(14);
/** AWS's rule for queues that Lambda reads: six timeouts and the window, so that throttled polls can be repeated. */
const VISIBILITY_IN_TIMEOUTS = 6;

/** One reader of a queue: what its visibility timeout follows from. */
export interface Reader {
  readonly timeoutSeconds: number;
  readonly source: EventSource;
}

/** A queue and its dead letter queue. */
export interface QueuePair {
  readonly queue: Queue;
  readonly deadLetters: Queue;
}

/**
 * The two queues that every event passes, each with its dead letter queue. Encrypted by SQS's own key: a publisher in
 * another account then needs no grant on a key.
 */
export class EventQueues extends Construct {
  readonly events: QueuePair;
  readonly deliveries: QueuePair;

  constructor(scope: Construct, id: string, readers: { readonly events: Reader; readonly deliveries: Reader }) {
    super(scope, id);
    this.events = this.pair('Events', readers.events);
    this.deliveries = this.pair('Deliveries', readers.deliveries);
  }

  private pair(name: string, { timeoutSeconds, source }: Reader): QueuePair {
    const deadLetters = deadLetterQueue(this, `${name}DeadLetters`);
    const queue = new Queue(this, name, {
      encryption: QueueEncryption.SQS_MANAGED,
      enforceSSL: true,
      retentionPeriod: SOURCE_RETENTION,
      visibilityTimeout: Duration.seconds(VISIBILITY_IN_TIMEOUTS * timeoutSeconds + source.windowSeconds),
      deadLetterQueue: { queue: deadLetters, maxReceiveCount: MAX_RECEIVE_COUNT },
    });
    return { queue, deadLetters };
  }
}

/** A queue for what nothing reads but an operator. */
export function deadLetterQueue(scope: Construct, id: string): Queue {
  return new Queue(scope, id, {
    encryption: QueueEncryption.SQS_MANAGED,
    enforceSSL: true,
    retentionPeriod: DEAD_LETTER_RETENTION,
  });
}
