import * as z from 'zod';
import type { Clock } from '../clock/clock.ts';
import { AwsError } from '../control-plane/aws-error.ts';
import type { QueueStore, StoredQueue } from './fauxqs.ts';
import { MAX_PER_SECOND, MoveTask } from './message-move-task.ts';
import { invalid, missing, sqsError } from './queue-limits.ts';

const MAX_RESULTS = 10;

const startSchema = z.object({
  SourceArn: z.string(),
  DestinationArn: z.string(),
  MaxNumberOfMessagesPerSecond: z.number().optional(),
});
const listSchema = z.object({ SourceArn: z.string(), MaxResults: z.number().default(1) });
const cancelSchema = z.object({ TaskHandle: z.string() });
const handleSchema = z.object({ taskId: z.string(), sourceArn: z.string() });

/**
 * The message move tasks that the local SQS lacks, for standard queues and with a destination; without one, SQS moves each
 * message back to where it came from, which no command does. Responses and errors are SQS's (API reference; texts as recorded
 * from AWS by LocalStack's tests in 2024).
 */
export class MessageMoves {
  readonly #store: QueueStore;
  readonly #clock: Clock;
  /** Oldest first. */
  readonly #tasks: MoveTask[] = [];

  constructor(store: QueueStore, clock: Clock) {
    this.#store = store;
    this.#clock = clock;
  }

  /**
   * @param target of a request: its header `x-amz-target`
   * @returns the response or error; undefined if the request is not about move tasks
   */
  respond(target: unknown, body: unknown): { status: number; content: object } | undefined {
    try {
      const content = this.#contentFor(target, body);
      return content && { status: 200, content };
    } catch (thrown) {
      if (!(thrown instanceof AwsError)) throw thrown;
      return { status: thrown.statusCode, content: sqsError(thrown) };
    }
  }

  stop(): void {
    for (const task of this.#tasks) if (task.isRunning) task.cancel();
  }

  /** @throws AwsError */
  #contentFor(target: unknown, body: unknown): object | undefined {
    switch (target) {
      case 'AmazonSQS.StartMessageMoveTask':
        return this.#start(parse(startSchema, body));
      case 'AmazonSQS.ListMessageMoveTasks':
        return this.#list(parse(listSchema, body));
      case 'AmazonSQS.CancelMessageMoveTask':
        return this.#cancel(parse(cancelSchema, body));
      default:
        return undefined;
    }
  }

  #start({ SourceArn, DestinationArn, MaxNumberOfMessagesPerSecond: perSecond }: z.infer<typeof startSchema>): object {
    const source = this.#existing(SourceArn, 'SourceArn');
    if (!this.#isDeadLetterQueue(source)) throw invalid('Source queue must be configured as a Dead Letter Queue.');
    this.#existing(DestinationArn, 'DestinationArn');
    if (DestinationArn === SourceArn) {
      throw invalid('Source queue arn and destination queue arn cannot be the same.');
    }
    requireBetween1And(MAX_PER_SECOND, 'MaxNumberOfMessagesPerSecond', perSecond);
    if (this.#tasks.some(({ request, isRunning }) => request.sourceArn === SourceArn && isRunning)) {
      const one = 'Only one active task is allowed for a source queue arn at a given time.';
      throw invalid(`There is already a task running. ${one}`);
    }
    // Otherwise messages that became visible again are counted only at the next receive.
    source.processTimers();
    const request = { sourceArn: SourceArn, destinationArn: DestinationArn, perSecond };
    const task = new MoveTask(request, this.#store, this.#clock);
    this.#tasks.push(task);
    return { TaskHandle: task.handle };
  }

  #list({ SourceArn, MaxResults }: z.infer<typeof listSchema>): object {
    this.#existing(SourceArn, 'SourceArn');
    requireBetween1And(MAX_RESULTS, 'MaxResults', MaxResults);
    const tasks = this.#tasks.filter(({ request }) => request.sourceArn === SourceArn).reverse();
    return { Results: tasks.slice(0, MaxResults).map(({ entry }) => entry) };
  }

  #cancel({ TaskHandle }: z.infer<typeof cancelSchema>): object {
    const { taskId, sourceArn } = readHandle(TaskHandle);
    this.#existing(sourceArn, 'SourceArn');
    const task = this.#tasks.find(({ id }) => id === taskId);
    if (task === undefined) throw new AwsError('ResourceNotFoundException', 404, 'Task does not exist.');
    if (!task.isRunning) throw new AwsError('UnsupportedOperation', 400, 'Only a running task can be cancelled.');
    task.cancel();
    return { ApproximateNumberOfMessagesMoved: task.moved };
  }

  /** @throws AwsError if there is no such queue */
  #existing(arn: string, parameter: string): StoredQueue {
    const queue = this.#store.getQueueByArn(arn);
    if (queue !== undefined) return queue;
    const text = `The resource that you specified for the ${parameter} parameter doesn't exist.`;
    throw new AwsError('ResourceNotFoundException', 404, text);
  }

  #isDeadLetterQueue({ arn }: StoredQueue): boolean {
    const policies = [...this.#store.allQueues()].map(({ attributes }) => attributes.RedrivePolicy);
    return policies.some((policy) => policy !== undefined && JSON.parse(policy).deadLetterTargetArn === arn);
  }
}

function parse<T>(schema: z.ZodType<T>, body: unknown): T {
  const { success, data, error } = schema.safeParse(body);
  if (success) return data;
  const parameter = error.issues[0]?.path.join('.');
  throw missing(String(parameter));
}

function readHandle(handle: string): z.infer<typeof handleSchema> {
  try {
    return handleSchema.parse(JSON.parse(Buffer.from(handle, 'base64').toString()));
  } catch {
    throw invalid('Value for parameter TaskHandle is invalid.');
  }
}

function requireBetween1And(max: number, parameter: string, value = 1): void {
  if (Number.isInteger(value) && value >= 1 && value <= max) return;
  const range = `You must enter a number that's between 1 and ${max}.`;
  throw invalid(`Value for parameter ${parameter} is invalid. Reason: ${range}`);
}
