import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { matches } from '../../local/event-rules.ts';
import { type Platform, startPlatform } from '../../local/platform.ts';
import { lambdaFunction, queue, STACK, until, writeAssembly } from '../support/assembly.ts';

jest.setTimeout(20_000);

const arn = (id: string) => ({ 'Fn::GetAtt': [id, 'Arn'] });
const rule = (functionId: string, properties: object) => ({
  Type: 'AWS::Events::Rule',
  Properties: {
    State: 'ENABLED',
    Targets: [{ Arn: arn(functionId), Id: 'Target0', DeadLetterConfig: { Arn: arn('TargetDeadLetters') } }],
    ...properties,
  },
});
const failedExecutions = {
  source: ['aws.states'],
  'detail-type': ['Step Functions Execution Status Change'],
  detail: { status: ['FAILED', 'TIMED_OUT', 'ABORTED'], stateMachineArn: [{ Ref: 'Machine' }] },
};

const { directory, remove } = writeAssembly({
  modules: {
    tell: `export const handler = async (event) => { console.log(JSON.stringify(event)); };`,
    fail: `export const handler = async (event) => { console.log('try'); throw new TypeError('always'); };`,
  },
  resources: {
    Rescue: lambdaFunction('tell'),
    Sweep: lambdaFunction('tell'),
    Broken: lambdaFunction('fail'),
    Older: lambdaFunction('fail', { DeadLetterConfig: { TargetArn: arn('Undelivered') } }),
    BrokenConfig: {
      Type: 'AWS::Lambda::EventInvokeConfig',
      Properties: {
        FunctionName: { Ref: 'Broken' },
        Qualifier: '$LATEST',
        MaximumRetryAttempts: 1,
        DestinationConfig: { OnFailure: { Destination: arn('Undelivered') } },
      },
    },
    Undelivered: queue(),
    TargetDeadLetters: queue(),
    Machine: {
      Type: 'AWS::StepFunctions::StateMachine',
      Properties: {
        DefinitionString: JSON.stringify({
          StartAt: 'Which',
          States: {
            Which: {
              Type: 'Choice',
              Choices: [{ Variable: '$.good', BooleanEquals: true, Next: 'Good' }],
              Default: 'Bad',
            },
            Good: { Type: 'Succeed' },
            Bad: { Type: 'Fail', Error: 'Ours', Cause: 'as asked' },
          },
        }),
      },
    },
    RescueRule: rule('Rescue', { EventPattern: failedExecutions }),
    DisabledRule: rule('Rescue', { State: 'DISABLED', EventPattern: failedExecutions }),
    SweepRule: rule('Sweep', { ScheduleExpression: 'rate(15 minutes)' }),
    BrokenRule: rule('Broken', { EventPattern: { source: ['test'], detail: { kind: ['broken'] } } }),
    OlderRule: rule('Older', { EventPattern: { source: ['test'], detail: { kind: ['older'] } } }),
  },
});
let platform: Platform;

beforeAll(async () => {
  platform = await startPlatform({ assemblyDirectory: directory, stackName: STACK, timeScale: 900 });
});
afterAll(async () => {
  await platform.stop();
  remove();
});

const events = (id: string) =>
  platform.functions
    .find(id)
    .logs()
    .map(({ text }) => JSON.parse(text) as { detail: Record<string, unknown> });
const put = (kind: string) => platform.rules.put({ source: 'test', detail: { kind } });
const undelivered = (part: string) =>
  until(async () => (await platform.queues.content('Undelivered')).ready.find(({ body }) => body.includes(part)));

describe('rules', () => {
  test('tell a function of a failed execution, without input and output, and of no other', async () => {
    const { stateMachine } = platform;
    stateMachine.start('good', '{"good":true}');
    const { arn: executionArn } = stateMachine.start('bad', '{"good":false}');
    await until(() => events('Rescue').length > 0);
    await until(() => stateMachine.execution('good')?.status === 'SUCCEEDED');
    expect(events('Rescue')).toEqual([
      expect.objectContaining({
        source: 'aws.states',
        'detail-type': 'Step Functions Execution Status Change',
        resources: [executionArn],
        detail: {
          executionArn,
          stateMachineArn: stateMachine.arn,
          name: 'bad',
          status: 'FAILED',
          startDate: expect.any(Number),
          stopDate: expect.any(Number),
        },
      }),
    ]);
  });

  test('invoke on a schedule, in scaled time', async () => {
    await until(() => events('Sweep').length >= 2);
    expect(events('Sweep')[0]).toMatchObject({ source: 'aws.events', 'detail-type': 'Scheduled Event' });
  });

  const tries = (name: string) =>
    platform.functions
      .find(name)
      .logs()
      .filter(({ stream }) => stream === 'stdout').length;

  test('a function that keeps failing is tried again, then its own destination gets the event', async () => {
    put('broken');
    const { body } = await undelivered('"kind":"broken"');
    expect(JSON.parse(body)).toMatchObject({
      requestContext: { condition: 'RetriesExhausted', approximateInvokeCount: 2 },
      requestPayload: { source: 'test', detail: { kind: 'broken' } },
      responsePayload: { errorType: 'TypeError', errorMessage: 'always' },
    });
    expect(tries('Broken')).toBe(2);
  });

  test("a function's own dead letter queue gets the event itself; the target's queue stays empty", async () => {
    put('older');
    const { body, messageAttributes } = await undelivered('"kind":"older"');
    expect(JSON.parse(body)).toEqual({ source: 'test', detail: { kind: 'older' } });
    expect(messageAttributes.ErrorMessage?.StringValue).toBe('always');
    expect(tries('Older')).toBe(3);
    expect((await platform.queues.content('TargetDeadLetters')).ready).toEqual([]);
  });
});

test.each([
  ['a rule with a content filter', { EventPattern: { source: [{ prefix: 'aws' }] } }, /no content filters/],
  ['a cron schedule', { ScheduleExpression: 'cron(0 12 * * ? *)' }, /rate\(…\) schedules only/],
])('%s is refused before anything starts', async (_name, properties, message) => {
  const resources = { Rescue: lambdaFunction('tell'), TargetDeadLetters: queue(), Rule: rule('Rescue', properties) };
  const assembly = writeAssembly({ resources });
  await expect(startPlatform({ assemblyDirectory: assembly.directory, stackName: STACK })).rejects.toThrow(message);
  assembly.remove();
});

test.each([
  ['a listed value', { status: ['A', 'B'] }, { status: 'B', other: 1 }, true],
  ['another value', { status: ['A', 'B'] }, { status: 'C' }, false],
  ['no value', { status: ['A'] }, {}, false],
  ['a nested value', { detail: { status: ['A'] } }, { detail: { status: 'A' } }, true],
  ['a value where it is nested', { detail: { status: ['A'] } }, { detail: 'A' }, false],
  ['one of a list', { resources: ['x'] }, { resources: ['y', 'x'] }, true],
  ['null', { stopDate: [null] }, { stopDate: null }, true],
  ['both keys', { a: [1], b: [2] }, { a: 1, b: 3 }, false],
])('matches compares %s', (_name, pattern, event, expected) => {
  expect(matches(pattern, event)).toBe(expected);
});
