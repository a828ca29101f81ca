import { json } from 'node:stream/consumers';
import { startHttpServer } from '../../../local/http-server.ts';

export const DEAD_LETTERS = 'arn:aws:sqs:us-east-1:000000000000:deliveries-dead-letters';

interface Task {
  /** So many lists do not show it yet. */
  listsLate: number;
  readonly TaskHandle: string;
  Status: string;
  readonly SourceArn: string;
  readonly DestinationArn?: string;
  readonly MaxNumberOfMessagesPerSecond?: number;
  readonly StartedTimestamp: number;
  ApproximateNumberOfMessagesMoved: number;
  readonly ApproximateNumberOfMessagesToMove: number;
  FailureReason?: string;
}

export interface FakeMoveTasks {
  readonly endpoint: string;
  /** Letters that lie in the dead-letter queue. */
  messages: number;
  /** Newest last. */
  readonly tasks: Task[];
  /** Called before each list of tasks is answered. */
  onList: () => void;
  /** So many lists do not show yet a task that is begun from now on. */
  listsLate: number;
  begin(destination?: string, perSecond?: number): Task;
  close(): Promise<void>;
}

/**
 * SQS as far as a redrive asks it, in its JSON protocol on 127.0.0.1, for courses of a task that no test could wait for.
 * A task moves a second's messages whenever it is looked at.
 */
export async function startFakeMoveTasks(): Promise<FakeMoveTasks> {
  const { url, close } = await startHttpServer(async (request, response) => {
    const action = String(request.headers['x-amz-target']).replace('AmazonSQS.', '');
    const input = (await json(request)) as Record<string, unknown>;
    const answer = ANSWERS[action]?.(world, input);
    const refusal = { __type: 'com.amazonaws.sqs#UnsupportedOperation', message: `cannot ${action}` };
    response
      .writeHead(answer === undefined ? 400 : 200, { 'content-type': 'application/x-amz-json-1.0' })
      .end(JSON.stringify(answer ?? refusal));
  });
  const world: FakeMoveTasks = {
    endpoint: url,
    messages: 0,
    tasks: [],
    onList: () => {},
    listsLate: 0,
    begin(destination, perSecond) {
      const task: Task = {
        listsLate: world.listsLate,
        TaskHandle: `handle-${world.tasks.length + 1}`,
        Status: 'RUNNING',
        SourceArn: DEAD_LETTERS,
        ...(destination !== undefined && { DestinationArn: destination }),
        ...(perSecond !== undefined && { MaxNumberOfMessagesPerSecond: perSecond }),
        StartedTimestamp: 1_000 + world.tasks.length,
        ApproximateNumberOfMessagesMoved: 0,
        ApproximateNumberOfMessagesToMove: world.messages,
      };
      world.tasks.push(task);
      return task;
    },
    close,
  };
  return world;
}

const ANSWERS: Record<string, (world: FakeMoveTasks, input: Record<string, unknown>) => object | undefined> = {
  GetQueueAttributes: ({ messages }) => ({ Attributes: { ApproximateNumberOfMessages: String(messages) } }),
  StartMessageMoveTask(world, { SourceArn, DestinationArn, MaxNumberOfMessagesPerSecond }) {
    const isRunning = world.tasks.at(-1)?.Status === 'RUNNING';
    if (isRunning || SourceArn !== DEAD_LETTERS) return undefined;
    return { TaskHandle: world.begin(DestinationArn as string, MaxNumberOfMessagesPerSecond as number).TaskHandle };
  },
  ListMessageMoveTasks(world) {
    world.onList();
    const listed = world.tasks.filter((task) => {
      task.listsLate -= 1;
      return task.listsLate < 0;
    });
    const Results = listed.map((task) => ({ ...task, ...(task.Status !== 'RUNNING' && { TaskHandle: undefined }) }));
    const running = listed.find(({ Status }) => Status === 'RUNNING');
    if (running !== undefined) moveOn(world, running);
    return { Results: Results.reverse() };
  },
  CancelMessageMoveTask(world, { TaskHandle }) {
    const task = world.tasks.find((one) => one.TaskHandle === TaskHandle && one.Status === 'RUNNING');
    if (task === undefined) return undefined;
    task.Status = 'CANCELLED';
    return { ApproximateNumberOfMessagesMoved: task.ApproximateNumberOfMessagesMoved };
  },
};

function moveOn(world: FakeMoveTasks, task: Task): void {
  const moved = Math.min(world.messages, task.MaxNumberOfMessagesPerSecond ?? 500);
  world.messages -= moved;
  task.ApproximateNumberOfMessagesMoved += moved;
  if (world.messages === 0) task.Status = 'COMPLETED';
}
