import { describe, expect, test } from '@jest/globals';
import { lambdaFunction, queue, until } from '../../support/assembly.ts';
import { runningPlatform } from '../../support/running-platform.ts';

const DAY_MS = 86_400_000;

const modules = {
  environment: `export const handler = async () => process.env;`,
  context: `export const handler = async (event, context) =>
    ({ ...context, event, remainingMs: context.getRemainingTimeInMillis() });`,
  count: `let calls = 0; export const handler = async () => ({ pid: process.pid, calls: ++calls });`,
  clock: `const loaded = Date.now(); export const handler = async (event, context) =>
    ({ loaded, now: Date.now(), remainingMs: context.getRemainingTimeInMillis() });`,
  wait: `export const handler = ({ ms }) => new Promise((resolve) => setTimeout(() => resolve({ pid: process.pid }), ms));`,
  fail: `class Unreachable extends Error { name = 'WarehouseUnavailable' }
    export const handler = async ({ how }) => {
      if (how === 'text') throw 'just text';
      if (how === 'exit') process.exit(3);
      if (how === 'undefined') return undefined;
      if (how === 'reject') { Promise.reject(new TypeError('lost')); return new Promise(() => {}); }
      throw new Unreachable('no answer');
    };`,
  broken: `throw new RangeError('bad at load'); export const handler = () => 1;`,
  nameless: `export const other = () => 1;`,
};

const platform = runningPlatform({
  modules,
  resources: {
    Queue: queue({ QueueName: 'events' }),
    Environment: lambdaFunction('environment', {}, { QUEUE_URL: { Ref: 'Queue' }, COUNT: 3 }),
    Context: lambdaFunction('context', { Timeout: 7, MemorySize: 512 }),
    Clock: lambdaFunction('clock'),
    Count: lambdaFunction('count'),
    Wait: lambdaFunction('wait'),
    Slow: lambdaFunction('wait', { Timeout: 1 }),
    Reserved: lambdaFunction('wait', { FunctionName: 'reserved', ReservedConcurrentExecutions: 1 }),
    Fail: lambdaFunction('fail'),
    Broken: lambdaFunction('broken'),
    Nameless: lambdaFunction('nameless'),
    Absent: lambdaFunction('absent'),
  },
});

const invoke = (key: string, payload: unknown = {}) => platform().functions.find(key).invoke(payload);

describe('a function', () => {
  test("has exactly the template's environment and Lambda's own", async () => {
    process.env.FROM_OUTSIDE = 'leak';
    const result = await invoke('environment');
    delete process.env.FROM_OUTSIDE;
    expect(result).toEqual({
      status: 'succeeded',
      payload: {
        QUEUE_URL: `${platform().queues.endpoint}/000000000000/events`,
        COUNT: '3',
        ...platform().endpoints,
        PATH: expect.any(String),
        LANG: 'en_US.UTF-8',
        TZ: ':UTC',
        AWS_REGION: 'us-east-1',
        AWS_DEFAULT_REGION: 'us-east-1',
        AWS_ACCESS_KEY_ID: 'Environment',
        AWS_SECRET_ACCESS_KEY: 'local',
        AWS_SESSION_TOKEN: 'local',
        AWS_EXECUTION_ENV: 'AWS_Lambda_nodejs24.x',
        AWS_LAMBDA_FUNCTION_NAME: 'Environment',
        AWS_LAMBDA_FUNCTION_VERSION: '$LATEST',
        AWS_LAMBDA_FUNCTION_MEMORY_SIZE: '256',
        AWS_LAMBDA_INITIALIZATION_TYPE: 'on-demand',
        AWS_LAMBDA_LOG_GROUP_NAME: '/aws/lambda/Environment',
        AWS_LAMBDA_LOG_STREAM_NAME: expect.any(String),
        LAMBDA_TASK_ROOT: expect.stringMatching(/^\/.+\/asset\.code$/),
        _HANDLER: 'environment.handler',
      },
    });
  });

  test("gets Lambda's context", async () => {
    const result = await invoke('Context', { a: 1, b: undefined });
    expect(result).toMatchObject({
      payload: {
        event: { a: 1 },
        functionName: 'Context',
        functionVersion: '$LATEST',
        invokedFunctionArn: 'arn:aws:lambda:us-east-1:000000000000:function:Context',
        memoryLimitInMB: '512',
        awsRequestId: expect.stringMatching(/^[0-9a-f-]{36}$/),
      },
    });
    const { remainingMs } = (result as { payload: { remainingMs: number } }).payload;
    expect(remainingMs).toBeGreaterThan(6_000);
    expect(remainingMs).toBeLessThanOrEqual(7_000);
  });

  test('has the platform’s clock while it loads, in each invocation, and for its deadline', async () => {
    const before = Date.now();
    await platform().skip(DAY_MS);
    const days = async () => {
      const { payload } = (await invoke('clock')) as { payload: Record<'loaded' | 'now' | 'remainingMs', number> };
      const [loaded, now] = [payload.loaded, payload.now].map((at) => Math.floor((at - before) / DAY_MS));
      expect(payload.remainingMs).toBeLessThanOrEqual(5_000);
      expect(payload.remainingMs).toBeGreaterThan(0);
      return [loaded, now];
    };
    expect(await days()).toEqual([1, 1]);
    await platform().skip(DAY_MS);
    expect(await days()).toEqual([1, 2]);
  });

  test('keeps a warm process, and has one for each concurrent invocation', async () => {
    const [first] = [await invoke('count')];
    expect(await invoke('count')).toEqual({
      status: 'succeeded',
      payload: { ...(first as { payload: object }).payload, calls: 2 },
    });
    const results = await Promise.all([1, 2].map(() => invoke('Wait', { ms: 50 })));
    const pids = results.map((result) => (result as { payload: { pid: number } }).payload.pid);
    expect(new Set(pids).size).toBe(2);
    expect(platform().functions.find('Wait').processIds().sort()).toEqual(pids.sort());
  });

  test.each([
    ['a thrown error, by its name', 'error', { errorType: 'WarehouseUnavailable', errorMessage: 'no answer' }],
    ['a thrown text', 'text', { errorType: 'string', errorMessage: 'just text' }],
    ['an exit', 'exit', { errorType: 'Runtime.ExitError', errorMessage: expect.stringContaining('exit status 3') }],
    ['an unhandled rejection', 'reject', { errorType: 'Runtime.UnhandledPromiseRejection', errorMessage: 'lost' }],
  ])('reports %s', async (_name, how, error) => {
    expect(await invoke('fail', { how })).toMatchObject({ status: 'failed', error });
  });

  test.each([
    ['that throws while it loads', 'broken', { errorType: 'RangeError', errorMessage: 'bad at load' }],
    ['without the export', 'nameless', { errorType: 'Runtime.HandlerNotFound' }],
    ['without a module', 'absent', { errorType: 'Runtime.ImportModuleError' }],
  ])('%s fails each invocation', async (_name, key, error) => {
    expect(await invoke(key)).toMatchObject({ status: 'failed', error });
    expect(await invoke(key)).toMatchObject({ status: 'failed', error });
  });

  test('over its timeout is killed', async () => {
    const result = await invoke('Slow', { ms: 60_000 });
    expect(result).toMatchObject({
      status: 'failed',
      error: { errorType: 'Sandbox.Timedout', errorMessage: expect.stringContaining('timed out after 1.00 seconds') },
    });
    expect(platform().functions.find('Slow').processIds()).toEqual([]);
    expect(await invoke('Slow', { ms: 0 })).toMatchObject({ status: 'succeeded' });
  });

  test('killed from outside fails the invocation in hand; the next has a fresh process', async () => {
    const pool = platform().functions.find('reserved');
    const inHand = pool.invoke({ ms: 60_000 });
    const killed = await until(() => pool.killOne());
    expect(await inHand).toMatchObject({ status: 'failed', error: { errorType: 'Runtime.ExitError' } });
    const next = await pool.invoke({ ms: 0 });
    expect(next).toMatchObject({ status: 'succeeded' });
    expect(next).not.toMatchObject({ payload: { pid: killed } });
  });

  test('is throttled beyond its reserved concurrency', async () => {
    const first = invoke('reserved', { ms: 200 });
    expect(await invoke('reserved', { ms: 0 })).toEqual({ status: 'throttled' });
    expect(await first).toMatchObject({ status: 'succeeded' });
    expect(await invoke('reserved', { ms: 0 })).toMatchObject({ status: 'succeeded' });
  });
});
