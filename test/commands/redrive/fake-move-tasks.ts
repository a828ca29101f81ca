import {
  CancelMessageMoveTaskCommand,
  GetQueueAttributesCommand,
  ListMessageMoveTasksCommand,
  SQSClient,
  StartMessageMoveTaskCommand,
} from '@aws-sdk/client-sqs';

export const DEAD_LETTERS = 'arn:aws:sqs:us-east-1:000000000000:deliveries-dead-letters';

/** A task with what no list of tasks contains. */
interface Task {
  /** Lists that do not show it yet. */
  listsLate: number;
  readonly TaskHandle: string;
  Status: string;
  FailureReason?: string;
  readonly SourceArn: string;
  readonly DestinationArn: string | undefined;
  readonly MaxNumberOfMessagesPerSecond: number;
  readonly StartedTimestamp: number;
  ApproximateNumberOfMessagesMoved: number;
  readonly ApproximateNumberOfMessagesToMove: number;
}

/** SQS as far as a redrive calls it, for courses of a task that no test could wait for: each list moves a second's messages. */
export class FakeMoveTasks {
  /** In the dead-letter queue. */
  messages = 0;
  /** Newest last. */
  readonly tasks: Task[] = [];
  /** Lists that do not show a task that begins from now on. */
  listsLate = 0;
  /** Called before each list of tasks. */
  onList: () => void = () => {};

  begin(destination?: string, perSecond = 500): void {
    this.tasks.push({
      listsLate: this.listsLate,
      TaskHandle: `handle-${this.tasks.length + 1}`,
      Status: 'RUNNING',
      SourceArn: DEAD_LETTERS,
      DestinationArn: destination,
      MaxNumberOfMessagesPerSecond: perSecond,
      StartedTimestamp: 1_000 + this.tasks.length,
      ApproximateNumberOfMessagesMoved: 0,
      ApproximateNumberOfMessagesToMove: this.messages,
    });
  }

  client(): SQSClient {
    return Object.assign(new SQSClient({ region: 'us-east-1' }), {
      send: async (command: object) => this.#call(command),
    });
  }

  /** @throws where SQS refuses a call */
  #call(command: object): object {
    const running = this.tasks.find(({ Status }) => Status === 'RUNNING');
    if (command instanceof GetQueueAttributesCommand) {
      return { Attributes: { ApproximateNumberOfMessages: String(this.messages) } };
    }
    if (command instanceof ListMessageMoveTasksCommand) return this.#list();
    if (command instanceof StartMessageMoveTaskCommand && running === undefined) {
      const { SourceArn, DestinationArn, MaxNumberOfMessagesPerSecond } = command.input;
      if (SourceArn !== DEAD_LETTERS) throw new Error(`no queue ${SourceArn}`);
      this.begin(DestinationArn, MaxNumberOfMessagesPerSecond);
      return {};
    }
    if (command instanceof CancelMessageMoveTaskCommand && running && running.TaskHandle === command.input.TaskHandle) {
      running.Status = 'CANCELLED';
      return { ApproximateNumberOfMessagesMoved: running.ApproximateNumberOfMessagesMoved };
    }
    throw new Error(`SQS refuses ${command.constructor.name}`);
  }

  #list(): object {
    this.onList();
    const listed = this.tasks.filter((task) => {
      task.listsLate -= 1;
      return task.listsLate < 0;
    });
    const Results = listed.map((task) => ({ ...task, ...(task.Status !== 'RUNNING' && { TaskHandle: undefined }) }));
    const running = listed.find(({ Status }) => Status === 'RUNNING');
    if (running !== undefined) {
      const moved = Math.min(this.messages, running.MaxNumberOfMessagesPerSecond);
      this.messages -= moved;
      running.ApproximateNumberOfMessagesMoved += moved;
      if (this.messages === 0) running.Status = 'COMPLETED';
    }
    return { Results: Results.reverse() };
  }
}
