import {
  GetAccountSettingsCommand,
  GetFunctionConcurrencyCommand,
  GetFunctionConfigurationCommand,
  LambdaClient,
  ListEventSourceMappingsCommand,
} from '@aws-sdk/client-lambda';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { type Platform, startPlatform } from '../../local/platform.ts';
import { lambdaFunction, mapping, queue, STACK, writeAssembly } from '../support/assembly.ts';

const { directory, remove } = writeAssembly({
  modules: { idle: `export const handler = async () => ({ batchItemFailures: [] });` },
  resources: {
    Events: queue(),
    Letters: queue(),
    Reader: lambdaFunction('idle', { FunctionName: 'reader' }, { ALLOWED_PORTS: '443,8443' }),
    Task: lambdaFunction('idle', { FunctionName: 'task', ReservedConcurrentExecutions: 3 }),
    Reading: mapping('Events', 'Reader', { ScalingConfig: { MaximumConcurrency: 5 } }),
    Off: mapping('Letters', 'Task', { Enabled: false }),
  },
});
const ARN = 'arn:aws:lambda:us-east-1:000000000000:function';
let platform: Platform;
let client: LambdaClient;

beforeAll(async () => {
  platform = await startPlatform({ assemblyDirectory: directory, stackName: STACK, accountConcurrency: 20 });
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

test('the account has what is shared and what is reserved', async () => {
  const { AccountLimit } = await client.send(new GetAccountSettingsCommand({}));
  expect(AccountLimit).toEqual({ ConcurrentExecutions: 23, UnreservedConcurrentExecutions: 20 });
});

test('a function says what is reserved for it, or nothing', async () => {
  const reserved = async (FunctionName: string) =>
    (await client.send(new GetFunctionConcurrencyCommand({ FunctionName }))).ReservedConcurrentExecutions;
  expect(await reserved(`${ARN}:task`)).toBe(3);
  expect(await reserved('reader')).toBeUndefined();
  await expect(reserved('nobody')).rejects.toMatchObject({ name: 'ResourceNotFoundException' });
});

test('a queue’s mapping says who reads it, how often side by side, and whether it is on', async () => {
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

test('a function says what it was deployed with', async () => {
  const configuration = await client.send(new GetFunctionConfigurationCommand({ FunctionName: 'reader' }));
  expect(configuration).toMatchObject({ FunctionName: 'reader', Timeout: 5, MemorySize: 256, Handler: 'idle.handler' });
  expect(configuration.Environment?.Variables).toMatchObject({ ALLOWED_PORTS: '443,8443' });
});
