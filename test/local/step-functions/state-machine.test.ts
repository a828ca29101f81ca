import { DescribeExecutionCommand, ListExecutionsCommand, SFNClient, StartExecutionCommand } from '@aws-sdk/client-sfn';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Execution } from '../../../local/step-functions/execution.ts';
import { lambdaFunction, queue } from '../../support/assembly.ts';
import { clientOptions } from '../../support/client-options.ts';
import { runningPlatform } from '../../support/running-platform.ts';

const modules = {
  step: `
    const counts = new Map();
    class Named extends Error { constructor(name) { super('because'); this.name = name; } }
    export const handler = async ({ id, progress }) => {
      const calls = counts.get(id) ?? 0;
      counts.set(id, calls + 1);
      if (progress.failures?.[calls]) throw new Named(progress.failures[calls]);
      if (progress.always) throw new Named(progress.always);
      if (progress.exit) process.exit(1);
      if (progress.large) return { outcome: 'x'.repeat(progress.large) };
      if (progress.hang) await new Promise(() => setTimeout(() => {}, 60_000));
      if ((progress.waits ?? 0) > 0) {
        return { waits: progress.waits - 1, due_at: new Date(Date.now() + 600_000).toISOString(), outcome: 'retry', failures: progress.failures };
      }
      return { ...progress, outcome: 'delivered' };
    };`,
};

const definition = {
  StartAt: 'WaitUntilDue',
  TimeoutSeconds: 12 * 3600,
  States: {
    WaitUntilDue: { Type: 'Wait', TimestampPath: '$.progress.due_at', Next: 'Hangs' },
    // A timeout passes in real time while the function works.
    Hangs: {
      Type: 'Choice',
      Choices: [{ Variable: '$.progress.hang', IsPresent: true, Next: 'Hang' }],
      Default: 'Step',
    },
    Hang: {
      Type: 'Task',
      Resource: '<step>',
      TimeoutSeconds: 1,
      Catch: [{ ErrorEquals: ['States.Timeout'], ResultPath: '$.fault', Next: 'SendDeadLetter' }],
      End: true,
    },
    Step: {
      Type: 'Task',
      Resource: '<step>',
      TimeoutSeconds: 600,
      ResultPath: '$.progress',
      Retry: [
        { ErrorEquals: ['Passing'], IntervalSeconds: 600, MaxAttempts: 3 },
        { ErrorEquals: ['Never'], MaxAttempts: 0 },
      ],
      Catch: [
        {
          ErrorEquals: ['Caught', 'Runtime.ExitError'],
          ResultPath: '$.fault',
          Next: 'SendDeadLetter',
        },
      ],
      Next: 'Which',
    },
    Which: {
      Type: 'Choice',
      Choices: [{ Variable: '$.progress.outcome', StringEquals: 'retry', Next: 'WaitUntilDue' }],
      Default: 'Done',
    },
    SendDeadLetter: {
      Type: 'Task',
      Resource: 'arn:aws:states:::sqs:sendMessage',
      Parameters: {
        QueueUrl: '<queue>',
        'MessageBody.$': '$',
        MessageAttributes: { reason: { DataType: 'String', 'StringValue.$': '$.fault.Error' } },
      },
      ResultPath: null,
      End: true,
    },
    Done: { Type: 'Succeed', OutputPath: '$.progress' },
  },
};

/** The definition as CDK writes it: its text joined with references. */
function definitionString(): object {
  const [before = '', ...rest] = JSON.stringify(definition).split(/(<step>|<queue>)/);
  const references = { '<step>': { 'Fn::GetAtt': ['Step', 'Arn'] }, '<queue>': { Ref: 'DeadLetters' } };
  return { 'Fn::Join': ['', [before, ...rest.map((part) => references[part as keyof typeof references] ?? part)]] };
}

const platform = runningPlatform({
  modules,
  resources: {
    Step: lambdaFunction('step', { Timeout: 30 }),
    DeadLetters: queue(),
    Machine: { Type: 'AWS::StepFunctions::StateMachine', Properties: { DefinitionString: definitionString() } },
  },
  outputs: { Arn: { Value: { Ref: 'Machine' } } },
});
let client: SFNClient;
beforeAll(() => {
  client = new SFNClient(clientOptions(platform().controlPlane.endpoint));
});
afterAll(() => client.destroy());

const due = (seconds = 0) => new Date(Date.now() + seconds * 1000).toISOString();
const start = (name: string, input: unknown, stateMachineArn = platform().outputs.Arn) =>
  client.send(new StartExecutionCommand({ stateMachineArn, name, input: JSON.stringify(input) }));

async function ended(name: string): Promise<Execution> {
  return platform().until(`the end of ${name}`, () => {
    const execution = platform().stateMachine.execution(name);
    return execution?.status !== 'RUNNING' && execution;
  });
}

async function run(name: string, progress: object): Promise<Execution> {
  await start(name, { id: name, progress: { due_at: due(), ...progress } });
  return ended(name);
}

/** Pipeline time in whole minutes; what passes for real is less than one. */
function tookMinutes({ startedAt, stoppedAt = 0 }: Execution): number {
  return Math.floor((stoppedAt - startedAt) / 60_000);
}

describe('an execution', () => {
  test('waits until each due time, and keeps what happened', async () => {
    const execution = await run('waits', { waits: 2, due_at: due(600) });
    expect(execution).toMatchObject({ status: 'SUCCEEDED' });
    expect(JSON.parse(execution.output ?? '')).toMatchObject({ outcome: 'delivered' });
    const entered = execution.history.filter(({ type }) => type === 'StateEntered');
    const loop = ['WaitUntilDue', 'Hangs', 'Step', 'Which'];
    expect(entered.map(({ state }) => state)).toEqual([...loop, ...loop, ...loop, 'Done']);
    expect(entered[4]?.progress).toMatchObject({ waits: 1 });
    expect(tookMinutes(execution)).toBe(30);
  });

  test('retries by the name of the error, each time later', async () => {
    const execution = await run('retries', { failures: ['Passing', 'Passing', 'Passing'] });
    expect(execution).toMatchObject({ status: 'SUCCEEDED' });
    expect(execution.history.filter(({ type }) => type === 'StateRetried')).toHaveLength(3);
    expect(tookMinutes(execution)).toBe(10 + 20 + 40);
  });

  test('fails where its retries are used up', async () => {
    const execution = await run('used-up', { always: 'Passing' });
    expect(execution).toMatchObject({ status: 'FAILED', error: 'Passing' });
    expect(JSON.parse(execution.cause ?? '')).toMatchObject({ errorType: 'Passing', errorMessage: 'because' });
    expect(tookMinutes(execution)).toBe(10 + 20 + 40);
  });

  test('has all retries again in a state that it enters again', async () => {
    const failures = ['Passing', 'Passing', '', 'Passing', 'Passing'];
    const execution = await run('again', { failures, waits: 1 });
    expect(execution).toMatchObject({ status: 'SUCCEEDED' });
    expect(tookMinutes(execution)).toBe(10 + 20 + 10 + 10 + 20);
  });

  test('ends after its time, though it waits', async () => {
    const execution = await run('endless', { due_at: due(86_400) });
    expect(execution).toMatchObject({ status: 'TIMED_OUT', error: 'States.Timeout' });
    expect(tookMinutes(execution)).toBe(12 * 60);
    await platform().skip(86_400_000);
    expect(execution.history.map(({ state }) => state)).toEqual(['WaitUntilDue']);
  });

  test.each([
    ['an error', { always: 'Caught' }, 'Caught'],
    ['the death of the process', { exit: true }, 'Runtime.ExitError'],
    ['a task that takes too long', { hang: true }, 'States.Timeout'],
  ])('catches %s and sends it to a queue', async (_name, progress, reason) => {
    const name = reason.replace('.', '-');
    expect(await run(name, progress)).toMatchObject({ status: 'SUCCEEDED' });
    const { ready } = await platform().queues.content('DeadLetters');
    const message = ready.find(({ body }) => body.includes(`"id":"${name}"`));
    expect(message?.messageAttributes).toEqual({ reason: { DataType: 'String', StringValue: reason } });
    expect(JSON.parse(message?.body ?? '')).toMatchObject({ fault: { Error: reason } });
  });

  test('fails where a result is larger than 256 KiB', async () => {
    expect(await run('large', { large: 257 * 1024 })).toMatchObject({
      status: 'FAILED',
      error: 'States.DataLimitExceeded',
    });
  });
});

describe('StartExecution', () => {
  const input = { progress: { due_at: '2999-01-01T00:00:00Z' } };

  test('with the same name and input is the same execution while it runs, and refused afterwards', async () => {
    const [first, again] = [await start('same', input), await start('same', input)];
    expect(again).toMatchObject({ executionArn: first.executionArn, startDate: first.startDate });
    const exists = { name: 'ExecutionAlreadyExists' };
    await expect(start('same', { progress: { ...input.progress, x: 1 } })).rejects.toMatchObject(exists);
    platform().stateMachine.abort('same');
    await expect(start('same', input)).rejects.toMatchObject(exists);
  });

  test.each([
    ['a name of 81 characters', 'n'.repeat(81), {}, 'InvalidName'],
    ['an input over 256 KiB', 'big', { text: 'x'.repeat(256 * 1024) }, 'InvalidExecutionInput'],
  ])('refuses %s', async (_name, name, body, error) => {
    await expect(start(name, body)).rejects.toMatchObject({ name: error });
    expect(platform().stateMachine.execution(name)).toBeUndefined();
  });
});

describe('other operations', () => {
  test('DescribeExecution returns the input; an aborted execution has ended', async () => {
    const { executionArn } = await start('stopped', { progress: { due_at: '2999-01-01T00:00:00Z' } });
    expect(await client.send(new DescribeExecutionCommand({ executionArn }))).toMatchObject({ status: 'RUNNING' });
    platform().stateMachine.abort('stopped');
    expect(await client.send(new DescribeExecutionCommand({ executionArn }))).toMatchObject({
      status: 'ABORTED',
      input: '{"progress":{"due_at":"2999-01-01T00:00:00Z"}}',
      startDate: expect.any(Date),
      stopDate: expect.any(Date),
    });
    await expect(client.send(new DescribeExecutionCommand({ executionArn: `${executionArn}x` }))).rejects.toMatchObject(
      { name: 'ExecutionDoesNotExist' },
    );
  });

  test('ListExecutions gives pages, newest first, by status', async () => {
    const names = ['list-1', 'list-2', 'list-3'];
    for (const name of names) await run(name, { always: 'Listed' });
    const listed: (string | undefined)[] = [];
    let nextToken: string | undefined;
    do {
      const request = {
        stateMachineArn: platform().outputs.Arn,
        statusFilter: 'FAILED',
        maxResults: 1,
        nextToken,
      } as const;
      const page = await client.send(new ListExecutionsCommand(request));
      expect(page.executions).toHaveLength(1);
      listed.push(...(page.executions ?? []).map(({ name }) => name));
      nextToken = page.nextToken;
    } while (nextToken !== undefined);
    expect(listed.filter((name) => name?.startsWith('list-'))).toEqual(names.toReversed());
  });
});
