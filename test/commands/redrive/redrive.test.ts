import { CancelMessageMoveTaskCommand, type SQSClient, StartMessageMoveTaskCommand } from '@aws-sdk/client-sqs';
import { beforeEach, expect, test } from '@jest/globals';
import { runProgram } from '../../../commands/main.ts';
import type { Context } from '../../../commands/shared/context.ts';
import { eachTest } from '../../support/each-test.ts';
import { intercept, startOperatorWorld } from '../operator-world.ts';
import { DEAD_LETTERS, FakeMoveTasks } from './fake-move-tasks.ts';

const DELIVERIES = 'arn:aws:sqs:us-east-1:000000000000:deliveries';

const world = eachTest(startOperatorWorld);
let tasks: FakeMoveTasks;
let sqs: SQSClient;
let context: Context;

beforeEach(() => {
  tasks = new FakeMoveTasks();
  sqs = tasks.client();
  const outputs: Record<string, string> = {
    DeliveriesQueueArn: DELIVERIES,
    DeliveriesDeadLetterQueueArn: DEAD_LETTERS,
    DeliveriesDeadLetterQueueUrl: 'http://sqs/0/deliveries-dead-letters',
  };
  const openStage: Context['openStage'] = async (name) => {
    const stage = await world.context.openStage(name);
    return { ...stage, sqs, output: (key) => outputs[key] ?? stage.output(key) };
  };
  context = { ...world.context, openStage };
});

const run = (...words: readonly string[]) => runProgram(['redrive', ...words], context);

test('says how many messages there are, asks, names the deliveries queue as destination, and follows to the end', async () => {
  tasks.messages = 25;
  world.answers.push('y');
  expect(await run()).toBe(0);
  expect(world.questions).toEqual(['Send 25 messages of stage local again, 10 a second? [y/N] ']);
  expect(tasks.tasks).toMatchObject([
    { SourceArn: DEAD_LETTERS, DestinationArn: DELIVERIES, MaxNumberOfMessagesPerSecond: 10, Status: 'COMPLETED' },
  ]);
  expect(world.printed()).toBe('moved 25 messages: each is delivered, or dead-lettered again');
  expect(world.drawn()).toMatch(/^\r\[#{8} {12}\] 10 of 25 [\s\S]*\r\[#{20}\] 25 of 25 [^\r]*\n$/);
});

test('--yes skips the question, --rate is passed on; an empty queue: says so', async () => {
  tasks.messages = 1;
  expect(await run('--yes', '--rate', '500')).toBe(0);
  expect(tasks.tasks).toMatchObject([{ MaxNumberOfMessagesPerSecond: 500 }]);
  expect(await run()).toBe(0);
  expect(world.printed()).toMatch(
    /^moved 1 message: .*\nno messages in the deliveries dead-letter queue of stage local$/,
  );
  expect(world.questions).toEqual([]);
});

test('answered no: nothing is moved', async () => {
  tasks.messages = 3;
  world.answers.push('n');
  expect(await run()).toBe(1);
  expect(tasks.tasks).toEqual([]);
  expect(world.printed()).toContain('nothing is changed');
});

test('a move that is under way is followed, not started again', async () => {
  tasks.messages = 30;
  tasks.begin(DELIVERIES, 10);
  expect(await run()).toBe(0);
  expect(tasks.tasks).toHaveLength(1);
  expect(world.printed()).toMatch(/^a move is under way already.*\nmoved 30 messages/);
});

test('a start whose response is lost, or that another operator makes first, is followed', async () => {
  tasks.messages = 5;
  await run('--yes');
  tasks.messages = 30;
  intercept(sqs, async (command, send) => {
    if (command instanceof StartMessageMoveTaskCommand) await send();
    return send();
  });
  expect(await run('--yes')).toBe(0);
  expect(tasks.tasks).toHaveLength(2);
  expect(world.printed()).toMatch(/moved 30 messages/);
});

test('a stop whose response is lost has stopped it', async () => {
  tasks.messages = 30;
  tasks.begin(DELIVERIES, 10);
  intercept(sqs, async (command, send) => {
    if (command instanceof CancelMessageMoveTaskCommand) await send();
    return send();
  });
  expect(await run('--stop')).toBe(0);
  expect(tasks.tasks).toMatchObject([{ Status: 'CANCELLED' }]);
  expect(world.printed()).toMatch(/^stopped: /);
});

test('a start that SQS refuses while nothing moves fails', async () => {
  tasks.messages = 5;
  await run('--yes');
  tasks.messages = 5;
  intercept(sqs, (command, send) => {
    if (command instanceof StartMessageMoveTaskCommand) throw new Error('refused');
    return send();
  });
  await expect(run('--yes')).rejects.toThrow('refused');
});

test('an earlier move is not taken for this one, even while SQS does not list the new one yet', async () => {
  tasks.messages = 5;
  await run('--yes');
  tasks.messages = 7;
  tasks.listsLate = 3;
  expect(await run('--yes')).toBe(0);
  expect(world.printed()).toMatch(/moved 5 messages[^\n]*\nmoved 7 messages/);
});

test('a move that is never listed fails, after a minute', async () => {
  tasks.messages = 5;
  tasks.listsLate = Number.POSITIVE_INFINITY;
  await expect(run('--yes')).rejects.toMatchObject({ name: 'CommandFailed' });
});

test.each([
  [{ Status: 'FAILED', FailureReason: 'NonExistentQueue' }, /^failed after 20 messages: NonExistentQueue$/],
  [{ Status: 'CANCELLED' }, /^stopped: 20 messages were moved, /],
])('a move that ends with %j: 1, and why', async (end, words) => {
  tasks.messages = 50;
  tasks.onList = () => {
    const [task] = tasks.tasks;
    if (task !== undefined && task.ApproximateNumberOfMessagesMoved >= 20) Object.assign(task, end);
  };
  expect(await run('--yes')).toBe(1);
  expect(world.printed()).toMatch(words);
});

test('Ctrl-C ends the command, not the move, and says how to go on', async () => {
  tasks.messages = 50;
  world.onSleep = () => void process.emit('SIGINT');
  expect(await run('--yes')).toBe(1);
  expect(tasks.tasks).toMatchObject([{ Status: 'RUNNING' }]);
  expect(world.printed()).toMatch(/^moved 10 messages so far. The move goes on without this command:/);
  expect(world.printed()).toContain('./ltw redrive --stage local --stop   ends it');
  expect(process.listenerCount('SIGINT')).toBe(0);
});

test('--stop ends the move that is under way, and says so where there is none', async () => {
  expect(await run('--stop')).toBe(0);
  expect(world.printed()).toBe('nothing to do: no move is under way');
  tasks.messages = 30;
  tasks.begin(DELIVERIES, 10);
  expect(await run('--stop')).toBe(0);
  expect(tasks.tasks).toMatchObject([{ Status: 'CANCELLED' }]);
  expect(world.printed()).toMatch(/\nstopped: 10 messages were moved, the others are where they were$/);
});
