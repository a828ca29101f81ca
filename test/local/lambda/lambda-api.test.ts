import {
  GetAccountSettingsCommand,
  GetFunctionConcurrencyCommand,
  GetFunctionConfigurationCommand,
  InvokeCommand,
  type InvokeCommandInput,
  LambdaClient,
  ListEventSourceMappingsCommand,
} from '@aws-sdk/client-lambda';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { lambdaFunction, mapping, queue } from '../../support/assembly.ts';
import { clientOptions } from '../../support/client-options.ts';
import { runningPlatform } from '../../support/running-platform.ts';

const platform = runningPlatform(
  {
    modules: {
      echo: `export const handler = async (event) => { console.log('seen ' + JSON.stringify(event)); return { event }; };`,
      fail: `class Unreachable extends Error { name = 'WarehouseUnavailable' }
      export const handler = async () => { throw new Unreachable('no answer'); };`,
      idle: `export const handler = async () => ({ batchItemFailures: [] });`,
      hang: `export const handler = async ({ hangs }) => {
      console.log('begins'); return hangs ? new Promise(() => setTimeout(() => {}, 60_000)) : 'done'; };`,
    },
    resources: {
      Echo: lambdaFunction('echo', { FunctionName: 'send-test' }),
      Fail: lambdaFunction('fail'),
      Wait: lambdaFunction('hang', { FunctionName: 'reserved', ReservedConcurrentExecutions: 1, Timeout: 60 }),
      Events: queue(),
      Letters: queue(),
      Reader: lambdaFunction('idle', { FunctionName: 'reader' }, { ALLOWED_PORTS: '443,8443' }),
      Task: lambdaFunction('idle', { FunctionName: 'task', ReservedConcurrentExecutions: 3 }),
      Reading: mapping('Events', 'Reader', { ScalingConfig: { MaximumConcurrency: 5 } }),
      Off: mapping('Letters', 'Task', { Enabled: false }),
    },
  },
  { accountConcurrency: 20 },
);
let client: LambdaClient;
beforeAll(() => {
  client = new LambdaClient(clientOptions(platform().controlPlane.endpoint));
});
afterAll(() => client.destroy());

async function invoke(FunctionName: string, more: Partial<InvokeCommandInput> = {}) {
  const { Payload, ...answer } = await client.send(new InvokeCommand({ FunctionName, ...more }));
  return { ...answer, text: Payload?.transformToString() };
}

test.each(['send-test', 'arn:aws:lambda:us-east-1:000000000000:function:send-test'])(
  '%s returns its result',
  async (name) => {
    const answer = await invoke(name, { Payload: JSON.stringify({ integration_id: 'ä' }) });
    expect(answer).toMatchObject({
      StatusCode: 200,
      ExecutedVersion: '$LATEST',
      text: '{"event":{"integration_id":"ä"}}',
    });
    expect(answer.FunctionError).toBeUndefined();
  },
);

test('a function that fails is answered, with its error', async () => {
  const { text, ...answer } = await invoke('Fail');
  expect(answer).toMatchObject({ StatusCode: 200, FunctionError: 'Unhandled' });
  expect(JSON.parse(String(text))).toMatchObject({ errorType: 'WarehouseUnavailable', errorMessage: 'no answer' });
});

test('no such function; a handler’s module is no function’s name', async () => {
  const notFound = { name: 'ResourceNotFoundException', $metadata: { httpStatusCode: 404 } };
  await expect(invoke('unknown')).rejects.toMatchObject(notFound);
  await expect(invoke('echo')).rejects.toMatchObject(notFound);
});

test('no concurrency left: throttled', async () => {
  const pool = platform().functions.find('reserved');
  const first = invoke('reserved', { Payload: '{"hangs":true}' });
  await platform().until('the first one runs', () => pool.logs().length > 0);
  await expect(invoke('reserved')).rejects.toMatchObject({
    name: 'TooManyRequestsException',
    Reason: 'ReservedFunctionConcurrentInvocationLimitExceeded',
  });
  pool.killOne();
  expect(await first).toMatchObject({ StatusCode: 200, FunctionError: 'Unhandled' });
});

test.each([
  ['what is not JSON', '{', 'InvalidRequestContentException'],
  ['more than 6 MB', JSON.stringify('x'.repeat(6 * 1024 * 1024)), 'RequestTooLargeException'],
])('%s is refused', async (_, Payload, name) => {
  await expect(invoke('send-test', { Payload })).rejects.toMatchObject({ name });
});

const ARN = 'arn:aws:lambda:us-east-1:000000000000:function';

test('GetAccountSettings: the concurrency that is shared, and with what is reserved', async () => {
  const { AccountLimit } = await client.send(new GetAccountSettingsCommand({}));
  expect(AccountLimit).toEqual({ ConcurrentExecutions: 24, UnreservedConcurrentExecutions: 20 });
});

test('GetFunctionConcurrency: what is reserved for a function', async () => {
  const reserved = async (FunctionName: string) =>
    (await client.send(new GetFunctionConcurrencyCommand({ FunctionName }))).ReservedConcurrentExecutions;
  expect(await reserved(`${ARN}:task`)).toBe(3);
  expect(await reserved('reader')).toBeUndefined();
  await expect(reserved('unknown')).rejects.toMatchObject({ name: 'ResourceNotFoundException' });
});

test('ListEventSourceMappings: the function, its concurrency and the state of a queue’s mapping', async () => {
  const mappingsOf = async (name: string) => {
    const EventSourceArn = `arn:aws:sqs:us-east-1:000000000000:${name}`;
    return (await client.send(new ListEventSourceMappingsCommand({ EventSourceArn }))).EventSourceMappings;
  };
  expect(await mappingsOf('Events')).toMatchObject([
    { FunctionArn: `${ARN}:reader`, State: 'Enabled', BatchSize: 10, ScalingConfig: { MaximumConcurrency: 5 } },
  ]);
  expect(await mappingsOf('Letters')).toMatchObject([{ FunctionArn: `${ARN}:task`, State: 'Disabled' }]);
  expect(await mappingsOf('Nothing')).toEqual([]);
});

test('GetFunctionConfiguration: what a function was deployed with', async () => {
  const configuration = await client.send(new GetFunctionConfigurationCommand({ FunctionName: 'reader' }));
  expect(configuration).toMatchObject({ FunctionName: 'reader', Timeout: 5, MemorySize: 256, Handler: 'idle.handler' });
  expect(configuration.Environment?.Variables).toMatchObject({ ALLOWED_PORTS: '443,8443' });
});
