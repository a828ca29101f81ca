import { InvokeCommand, type InvokeCommandInput, LambdaClient } from '@aws-sdk/client-lambda';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { type Platform, startPlatform } from '../../local/platform.ts';
import { lambdaFunction, STACK, writeAssembly } from '../support/assembly.ts';

// A loaded machine takes seconds to start processes.

const { directory, remove } = writeAssembly({
  modules: {
    echo: `export const handler = async (event) => { console.log('seen ' + JSON.stringify(event)); return { event }; };`,
    fail: `class Unreachable extends Error { name = 'WarehouseUnavailable' }
      export const handler = async () => { throw new Unreachable('no answer'); };`,
    hang: `export const handler = async ({ hangs }) => {
      console.log('begins'); return hangs ? new Promise(() => setTimeout(() => {}, 60_000)) : 'done'; };`,
  },
  resources: {
    Echo: lambdaFunction('echo', { FunctionName: 'send-test' }),
    Fail: lambdaFunction('fail'),
    Wait: lambdaFunction('hang', { FunctionName: 'reserved', ReservedConcurrentExecutions: 1, Timeout: 60 }),
  },
});
let platform: Platform;
let client: LambdaClient;

beforeAll(async () => {
  platform = await startPlatform({ assemblyDirectory: directory, stackName: STACK });
  client = new LambdaClient({
    endpoint: String(platform.endpoints.AWS_ENDPOINT_URL_LAMBDA),
    region: 'us-east-1',
    credentials: { accessKeyId: 'x', secretAccessKey: 'x' },
    maxAttempts: 1,
  });
});
afterAll(async () => {
  client.destroy();
  await platform.stop();
  remove();
});

async function invoke(FunctionName: string, more: Partial<InvokeCommandInput> = {}) {
  const { Payload, ...answer } = await client.send(new InvokeCommand({ FunctionName, ...more }));
  return { ...answer, text: Payload?.transformToString() };
}

test.each(['send-test', 'arn:aws:lambda:us-east-1:000000000000:function:send-test'])('%s answers', async (name) => {
  const answer = await invoke(name, { Payload: JSON.stringify({ integration_id: 'ä' }) });
  expect(answer).toMatchObject({
    StatusCode: 200,
    ExecutedVersion: '$LATEST',
    text: '{"event":{"integration_id":"ä"}}',
  });
  expect(answer.FunctionError).toBeUndefined();
});

test('without a payload the event is empty', async () => {
  expect((await invoke('send-test')).text).toBe('{"event":{}}');
});

test('a function that fails is answered, with its error', async () => {
  const { text, ...answer } = await invoke('Fail');
  expect(answer).toMatchObject({ StatusCode: 200, FunctionError: 'Unhandled' });
  expect(JSON.parse(String(text))).toMatchObject({ errorType: 'WarehouseUnavailable', errorMessage: 'no answer' });
});

test('no such function; a handler’s module is no function’s name', async () => {
  const notFound = { name: 'ResourceNotFoundException', $metadata: { httpStatusCode: 404 } };
  await expect(invoke('nobody')).rejects.toMatchObject(notFound);
  await expect(invoke('echo')).rejects.toMatchObject(notFound);
});

test('no concurrency left: throttled', async () => {
  const pool = platform.functions.find('reserved');
  const first = invoke('reserved', { Payload: '{"hangs":true}' });
  await platform.until('the first one runs', () => pool.logs().length > 0);
  await expect(invoke('reserved')).rejects.toMatchObject({
    name: 'TooManyRequestsException',
    Reason: 'ReservedFunctionConcurrentInvocationLimitExceeded',
  });
  pool.killOne();
  expect(await first).toMatchObject({ StatusCode: 200, FunctionError: 'Unhandled' });
});

test('a function that is inactive: refused with the error that Lambda has', async () => {
  const pool = platform.functions.find('reserved');
  pool.refuseWith('ResourceNotReadyException');
  await expect(invoke('reserved')).rejects.toMatchObject({
    name: 'ResourceNotReadyException',
    $metadata: { httpStatusCode: 502 },
  });
  pool.refuseWith(undefined);
  expect((await invoke('reserved')).StatusCode).toBe(200);
});

test.each([
  ['what is not JSON', '{', 'InvalidRequestContentException'],
  ['more than 6 MB', JSON.stringify('x'.repeat(6 * 1024 * 1024)), 'RequestTooLargeException'],
])('%s is refused', async (_, Payload, name) => {
  await expect(invoke('send-test', { Payload })).rejects.toMatchObject({ name });
});
