import { describe, expect, test } from '@jest/globals';
import { matches } from '../../../local/event-bridge/event-rules.ts';
import { lambdaFunction, queue } from '../../support/assembly.ts';
import { runningPlatform, startRefused } from '../../support/running-platform.ts';

const HOUR_MS = 3_600_000;

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

const platform = runningPlatform({
  modules: {
    tell: `export const handler = async (event) => { console.log(JSON.stringify(event)); };`,
    fail: `export const handler = async (event) => { console.log(Date.now()); throw new TypeError('always'); };`,
  },
  resources: {
    Rescue: lambdaFunction('tell'),
    Sweep: lambdaFunction('tell'),
    Broken: lambdaFunction('fail'),
    Usual: lambdaFunction('fail'),
    BrokenConfig: {
      Type: 'AWS::Lambda::EventInvokeConfig',
      Properties: {
        FunctionName: { Ref: 'Broken' },
        Qualifier: '$LATEST',
        MaximumRetryAttempts: 1,
        DestinationConfig: { OnFailure: { Destination: arn('Undelivered') } },
      },
    },
    UsualConfig: {
      Type: 'AWS::Lambda::EventInvokeConfig',
      Properties: {
        FunctionName: { Ref: 'Usual' },
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
    UsualRule: rule('Usual', { EventPattern: { source: ['test'], detail: { kind: ['usual'] } } }),
  },
});

const events = (id: string) =>
  platform()
    .functions.find(id)
    .logs()
    .map(({ text }) => JSON.parse(text) as { time: string; detail: Record<string, unknown> });
const put = (kind: string) => platform().rules.put({ source: 'test', detail: { kind } });
const undelivered = (part: string) =>
  platform().until('an event that is given up', async () =>
    (await platform().queues.content('Undelivered')).ready.find(({ body }) => body.includes(part)),
  );

describe('rules', () => {
  test('tell a function of a failed execution, without input and output, and of no other', async () => {
    const { stateMachine } = platform();
    stateMachine.start('good', '{"good":true}');
    const { arn: executionArn } = stateMachine.start('bad', '{"good":false}');
    await platform().skip(0);
    expect(stateMachine.execution('good')?.status).toBe('SUCCEEDED');
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

  test('invoke on a schedule, at the hour that the function itself reads', async () => {
    const before = events('Sweep').length;
    await platform().skip(HOUR_MS);
    const [first, ...rest] = events('Sweep').slice(before);
    expect(first).toMatchObject({ source: 'aws.events', 'detail-type': 'Scheduled Event' });
    expect(rest).toHaveLength(3);
    const times = [first, ...rest].map((event) => Date.parse(String(event?.time)) / 60_000);
    expect(times.map((time) => Math.round(time - (times[0] as number)))).toEqual([0, 15, 30, 45]);
  });

  /** Minutes from the first attempt to each, by the function's own clock. */
  const attempts = (name: string) => {
    const lines = platform().functions.find(name).logs();
    const times = lines.filter(({ stream }) => stream === 'stdout').map(({ text }) => Number(text));
    return times.map((time) => Math.floor((time - (times[0] as number)) / 60_000));
  };

  test('a function that keeps failing is invoked again, then its own destination gets the event', async () => {
    put('broken');
    const { body } = await undelivered('"kind":"broken"');
    expect(JSON.parse(body)).toMatchObject({
      requestContext: { condition: 'RetriesExhausted', approximateInvokeCount: 2 },
      requestPayload: { source: 'test', detail: { kind: 'broken' } },
      responsePayload: { errorType: 'TypeError', errorMessage: 'always' },
    });
    expect(attempts('Broken')).toEqual([0, 1]);
  });

  test("by default it is invoked three times; the dead-letter queue of the rule's target stays empty", async () => {
    put('usual');
    await undelivered('"kind":"usual"');
    expect(attempts('Usual')).toEqual([0, 1, 3]);
    expect((await platform().queues.content('TargetDeadLetters')).ready).toEqual([]);
  });
});

test.each([
  ['a rule with a content filter', { EventPattern: { source: [{ prefix: 'aws' }] } }, /no content filters/],
  ['a cron schedule', { ScheduleExpression: 'cron(0 12 * * ? *)' }, /rate\(…\) schedules only/],
])('%s is refused before anything starts', async (_name, properties, message) => {
  const resources = { Rescue: lambdaFunction('tell'), TargetDeadLetters: queue(), Rule: rule('Rescue', properties) };
  await expect(startRefused({ resources })).rejects.toThrow(message);
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
