import { readdirSync, readFileSync } from 'node:fs';
import type { Socket } from 'node:net';
import { join } from 'node:path';
import { AppConfigClient, ListApplicationsCommand } from '@aws-sdk/client-appconfig';
import { AppConfigDataClient, GetLatestConfigurationCommand } from '@aws-sdk/client-appconfigdata';
import { CloudFormationClient, ListStacksCommand } from '@aws-sdk/client-cloudformation';
import { CloudWatchClient, GetMetricDataCommand } from '@aws-sdk/client-cloudwatch';
import { CloudWatchLogsClient, DescribeLogGroupsCommand } from '@aws-sdk/client-cloudwatch-logs';
import { DynamoDBClient, PutItemCommand } from '@aws-sdk/client-dynamodb';
import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { SFNClient, StartExecutionCommand } from '@aws-sdk/client-sfn';
import { PublishCommand, SNSClient } from '@aws-sdk/client-sns';
import { SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { afterEach, describe, expect, jest, test } from '@jest/globals';
import { openClient } from '../../lambdas/shared/aws-clients.ts';
import { CLIENT_WAITS, type ClientWaits } from '../../lambdas/shared/io-deadlines.ts';
import { clientOptions } from '../support/client-options.ts';
import { closedAfterEach } from '../support/closed-after-each.ts';
import { startRawPartner } from '../support/partner-server.ts';

/** Any client and command: each test opens one of them. */
type AnyClient = { send(command: object, options?: object): Promise<unknown>; destroy(): void };
interface Call {
  readonly Client: new (configuration: object) => AnyClient;
  /** @param text is sent, where it sends anything of any length */
  commandWith(text: string): object;
}

// Larger than what sockets buffer: a server that stops to read holds it up.
const LARGE = 'x'.repeat(8 * 1024 * 1024);

const CALLS: Readonly<Record<string, Call>> = {
  AppConfigClient: call(AppConfigClient, () => new ListApplicationsCommand({})),
  AppConfigDataClient: call(
    AppConfigDataClient,
    () => new GetLatestConfigurationCommand({ ConfigurationToken: 'token' }),
  ),
  CloudFormationClient: call(CloudFormationClient, () => new ListStacksCommand({})),
  CloudWatchClient: call(
    CloudWatchClient,
    () => new GetMetricDataCommand({ MetricDataQueries: [], StartTime: new Date(0), EndTime: new Date(1) }),
  ),
  CloudWatchLogsClient: call(CloudWatchLogsClient, () => new DescribeLogGroupsCommand({})),
  DynamoDBClient: call(
    DynamoDBClient,
    (text) => new PutItemCommand({ TableName: 'ledger', Item: { pk: { S: text } } }),
  ),
  LambdaClient: call(LambdaClient, (text) => new InvokeCommand({ FunctionName: 'f', Payload: Buffer.from(text) })),
  SFNClient: call(SFNClient, (input) => new StartExecutionCommand({ stateMachineArn: 'arn', input })),
  SNSClient: call(SNSClient, (Message) => new PublishCommand({ TopicArn: 'arn', Message })),
  SQSClient: call(SQSClient, (MessageBody) => new SendMessageCommand({ QueueUrl: 'http://127.0.0.1/q', MessageBody })),
  SecretsManagerClient: call(SecretsManagerClient, () => new GetSecretValueCommand({ SecretId: 'secret' })),
};

function call(Client: unknown, commandWith: Call['commandWith']): Call {
  return { Client: Client as Call['Client'], commandWith };
}

/** Every client that the functions and the commands open: read from their code. */
const OPENED = new Set(
  sources().flatMap((text) =>
    [...text.matchAll(/openClient\((\w+), (?:(?:CLIENT_WAITS|deadlines\.clients)\.\w+|command|invocation)\b/g)].map(
      ([, name]) => name,
    ),
  ),
);

function sources(): string[] {
  return ['lambdas', 'commands'].flatMap((folder) => {
    const root = join(import.meta.dirname, '../..', folder);
    const files = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'));
    return files.map((file) => readFileSync(join(root, file), 'utf8'));
  });
}

/** What a server does with a connection that has asked something. */
const SERVERS: Readonly<Record<string, (socket: Socket) => void>> = {
  'stays silent': () => undefined,
  'stops to read the request': (socket) => socket.pause(),
  'stops in the headers': (socket) => socket.write('HTTP/1.1 200 OK\r\ncontent-type: appl'),
  'stops after the headers': (socket) => socket.write('HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n'),
  'stops in the body': (socket) => socket.write('HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{"a":'),
  'hangs up': (socket) => socket.destroy(),
  'is overloaded, and asks for more time than the call has': (socket) => {
    const headers = 'x-amz-retry-after: 500\r\nretry-after: 1\r\ncontent-length: 2\r\nconnection: close';
    socket.end(`HTTP/1.1 503 Service Unavailable\r\n${headers}\r\n\r\n{}`);
  },
};

/** Short enough to be waited for. No test depends on which of them ends a call. */
const SHORT: ClientWaits = { maxAttempts: 2, connectMs: 100, responseMs: 100, callMs: 250, maxSockets: 50 };
/** None of them ends a call within a test. From 2 and 6 s on, the SDK leaves timers behind that keep the process alive. */
const LONG: ClientWaits = { maxAttempts: 3, connectMs: 1_900, responseMs: 5_900, callMs: 60_000, maxSockets: 50 };

const keep = closedAfterEach();

async function endpointThat(onRequest: (socket: Socket) => void): Promise<string> {
  return (await keep(startRawPartner(onRequest))).url;
}

function open(name: string, waits: ClientWaits, endpoint: string, text = 'text') {
  const { Client, commandWith } = CALLS[name] as Call;
  const client = openClient(Client, waits, { ...clientOptions(endpoint), useQueueUrlAsEndpoint: false });
  return { client, command: commandWith(text) };
}

// A test has real sockets and real time, or a fake clock and no socket: a client that waits on a fake clock before its
// next request would wait forever.
afterEach(() => void jest.useRealTimers());

test('the functions and the commands open no client in another way, and each is tested here', () => {
  const bare = sources().flatMap((text) => text.match(/new \w+Client\(/g) ?? []);
  expect(bare).toEqual([]);
  expect(OPENED).toEqual(new Set(Object.keys(CALLS)));
});

describe.each(Object.entries(CLIENT_WAITS))('a client that waits for %s', (_use, waits) => {
  // Credentials that never come, for example: the call never gets as far as a socket.
  class SilentClient {
    send(): Promise<never> {
      return new Promise(() => undefined);
    }
  }

  test('gives up when the time of a call is over, and not before', async () => {
    jest.useFakeTimers({ doNotFake: ['setImmediate'] });
    let ended: unknown;
    openClient(SilentClient, waits)
      .send()
      .catch((thrown: unknown) => {
        ended = thrown;
      });
    await jest.advanceTimersByTimeAsync(waits.callMs - 1);
    await new Promise(setImmediate);
    expect(ended).toBeUndefined();
    await jest.advanceTimersByTimeAsync(1);
    await new Promise(setImmediate);
    expect(ended).toMatchObject({ name: 'TimeoutError', message: `no response within ${waits.callMs} ms` });
  });
});

describe.each(Object.keys(CALLS))('%s', (name) => {
  test('gives up, whatever the server does', async () => {
    const calls = Object.entries(SERVERS).map(async ([behaviour, behave]) => {
      const endpoint = await endpointThat(behave);
      const { client, command } = open(
        name,
        SHORT,
        endpoint,
        behaviour === 'stops to read the request' ? LARGE : 'text',
      );
      const ended = await client.send(command).catch((thrown: unknown) => thrown);
      client.destroy();
      return [behaviour, Error.isError(ended)];
    });
    const expected = Object.keys(SERVERS).map((behaviour) => [behaviour, true]);
    expect(await Promise.all(calls)).toEqual(expected);
  });

  test('gives up where nothing listens', async () => {
    const { client, command } = open(name, SHORT, 'http://127.0.0.1:1');
    await expect(client.send(command)).rejects.toHaveProperty('message');
    client.destroy();
  });

  test('ends with the caller’s own signal', async () => {
    const controller = new AbortController();
    const endpoint = await endpointThat(() => controller.abort(new Error('enough')));
    const { client, command } = open(name, LONG, endpoint);
    await expect(client.send(command, { abortSignal: controller.signal })).rejects.toThrow('enough');
    client.destroy();
  });
});

test('a response that arrives while the event loop stands still counts', async () => {
  class BusyClient {
    send(): Promise<string> {
      const response = new Promise<string>((resolve) => setImmediate(resolve, 'response'));
      const untilMs = performance.now() + 5;
      while (performance.now() < untilMs);
      return response;
    }
  }
  const client = openClient(BusyClient, { ...LONG, callMs: 1 });
  // From here on the timers of the event loop come before what is read.
  await new Promise(setImmediate);
  expect(await client.send()).toBe('response');
});

test('a socket that died costs one request and not the call', async () => {
  let requests = 0;
  const endpoint = await endpointThat((socket) => {
    requests += 1;
    if (requests > 1) socket.end('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}');
  });
  const { client, command } = open('SecretsManagerClient', { ...LONG, responseMs: 200, callMs: 10_000 }, endpoint);
  await expect(client.send(command)).resolves.toBeDefined();
  client.destroy();
});

test('a body that comes drop by drop ends with the call', async () => {
  const endpoint = await endpointThat((socket) => {
    socket.write('HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n{');
    const timer = setInterval(() => socket.write(' '), 20);
    socket.once('close', () => clearInterval(timer));
  });
  const { client, command } = open('SFNClient', { ...LONG, callMs: 250 }, endpoint);
  await expect(client.send(command)).rejects.toThrow('no response within 250 ms');
  client.destroy();
});

test('a call that waits for a free socket ends as soon', async () => {
  const endpoint = await endpointThat(() => undefined);
  const { client, command } = open('DynamoDBClient', { ...LONG, connectMs: 500, callMs: 250, maxSockets: 2 }, endpoint);
  const calls = Array.from({ length: 6 }, () => client.send(command).catch(({ message }: Error) => message));
  expect(new Set(await Promise.all(calls))).toEqual(new Set(['no response within 250 ms']));
  client.destroy();
});
