import { readdirSync, readFileSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { AppConfigClient, ListApplicationsCommand } from '@aws-sdk/client-appconfig';
import { AppConfigDataClient, GetLatestConfigurationCommand } from '@aws-sdk/client-appconfigdata';
import { CloudFormationClient, ListStacksCommand } from '@aws-sdk/client-cloudformation';
import { CloudWatchClient, GetMetricDataCommand } from '@aws-sdk/client-cloudwatch';
import { DynamoDBClient, PutItemCommand } from '@aws-sdk/client-dynamodb';
import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { SFNClient, StartExecutionCommand } from '@aws-sdk/client-sfn';
import { PublishCommand, SNSClient } from '@aws-sdk/client-sns';
import { SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { CLIENT_WAITS, openClient } from '../../lambdas/adapters/aws-clients.ts';

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

/** Every client that the functions and the commands open, and how long it may wait: read from their code. */
const OPENED = [...new Set(sources().flatMap((text) => text.match(/openClient\(\w+, CLIENT_WAITS\.\w+/g) ?? []))]
  .map((text) => /\((\w+), CLIENT_WAITS\.(\w+)/.exec(text)?.slice(1) as [string, keyof typeof CLIENT_WAITS])
  .sort();

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
  'is overloaded, and asks for an hour': (socket) => {
    const headers = 'x-amz-retry-after: 3600000\r\nretry-after: 3600\r\ncontent-length: 2\r\nconnection: close';
    socket.end(`HTTP/1.1 503 Service Unavailable\r\n${headers}\r\n\r\n{}`);
  },
};

let server: Server | undefined;
const sockets = new Set<Socket>();

async function listen(onRequest: (socket: Socket) => void): Promise<string> {
  server = createServer((socket) => {
    sockets.add(socket.on('error', () => undefined));
    socket.once('data', () => onRequest(socket));
  });
  await new Promise<void>((resolve) => (server as Server).listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as { port: number }).port}`;
}

const where = (endpoint: string) => ({
  endpoint,
  region: 'us-east-1',
  credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
});

function open(name: string, use: keyof typeof CLIENT_WAITS, endpoint: string, text = 'text') {
  const { Client, commandWith } = CALLS[name] as Call;
  const client = openClient(Client, CLIENT_WAITS[use], { ...where(endpoint), useQueueUrlAsEndpoint: false });
  return { client, command: commandWith(text) };
}

/** Lets real sockets work until `isDone`, while the clock stands still. */
async function turn(isDone: () => boolean): Promise<void> {
  while (!isDone()) await new Promise(setImmediate);
}

// Sockets are real, the clock is not: a deadline of a minute is tested in no time.
beforeEach(() => {
  jest.useFakeTimers({ doNotFake: ['nextTick', 'setImmediate', 'queueMicrotask', 'performance'] });
});
afterEach(async () => {
  jest.useRealTimers();
  for (const socket of sockets) socket.destroy();
  sockets.clear();
  await new Promise((resolve) => (server === undefined ? resolve(undefined) : server.close(resolve)));
  server = undefined;
});

test('the functions and the commands open no client in another way, and each is tested here', () => {
  const bare = sources().flatMap((text) => text.match(/new \w+Client\(/g) ?? []);
  expect(bare).toEqual([]);
  expect(new Set(OPENED.map(([name]) => name))).toEqual(new Set(Object.keys(CALLS)));
});

describe.each(OPENED)('%s, as it waits for %s', (name, use) => {
  const { callMs } = CLIENT_WAITS[use];

  test.each(Object.entries(SERVERS))('gives up in time where the server %s', async (behaviour, behave) => {
    let requests = 0;
    const endpoint = await listen((socket) => {
      requests += 1;
      behave(socket);
    });
    const text = behaviour === 'stops to read the request' ? LARGE : 'text';
    const { client, command } = open(name, use, endpoint, text);
    let ended: unknown;
    const ending = client.send(command).catch((thrown: unknown) => {
      ended = thrown;
    });
    await turn(() => requests > 0);
    await jest.advanceTimersByTimeAsync(callMs);
    await ending;
    expect(ended).toHaveProperty('message');
    client.destroy();
  });

  test('gives up in time where nothing listens, or the call never gets as far as a socket', async () => {
    for (const endpoint of ['http://127.0.0.1:1', 'http://127.0.0.1:2']) {
      const { client, command } = open(name, use, endpoint);
      const isStuck = endpoint.endsWith(':2');
      // Credentials that never come, for example.
      if (isStuck) Object.assign(client, stuckCredentials(client));
      const rejected = expect(client.send(command)).rejects.toHaveProperty('message');
      await jest.advanceTimersByTimeAsync(callMs);
      await rejected;
      client.destroy();
    }
  });

  test('ends with the caller’s own signal', async () => {
    let requests = 0;
    const endpoint = await listen(() => {
      requests += 1;
    });
    const { client, command } = open(name, use, endpoint);
    const controller = new AbortController();
    const rejected = expect(client.send(command, { abortSignal: controller.signal })).rejects.toThrow('enough');
    await turn(() => requests > 0);
    controller.abort(new Error('enough'));
    await rejected;
    client.destroy();
  });
});

function stuckCredentials(client: object) {
  const { config } = client as { config: object };
  return { config: Object.assign(config, { credentials: () => new Promise(() => undefined) }) };
}

test('a response that arrives while the event loop stands still counts', async () => {
  jest.useRealTimers();
  class BusyClient {
    send(): Promise<string> {
      const response = new Promise<string>((resolve) => setImmediate(resolve, 'response'));
      const untilMs = performance.now() + 5;
      while (performance.now() < untilMs);
      return response;
    }
  }
  const client = openClient(BusyClient, { ...CLIENT_WAITS.ledger, callMs: 1 });
  // From here on the timers of the event loop come before what is read.
  await new Promise(setImmediate);
  expect(await client.send()).toBe('response');
});

test('a socket that died costs one request and not the call', async () => {
  let requests = 0;
  const endpoint = await listen((socket) => {
    requests += 1;
    if (requests > 1) socket.end('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}');
  });
  const { client, command } = open('SecretsManagerClient', 'settings', endpoint);
  const answer = client.send(command);
  await turn(() => requests === 1);
  await jest.advanceTimersByTimeAsync(CLIENT_WAITS.settings.responseMs);
  // The pause before the second request is random, up to 50 ms.
  await jest.advanceTimersByTimeAsync(50);
  await expect(answer).resolves.toBeDefined();
  client.destroy();
});

test('a body that comes drop by drop ends with the call', async () => {
  let requests = 0;
  const endpoint = await listen((socket) => {
    requests += 1;
    socket.write('HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n{');
    const timer = setInterval(() => socket.write(' '), 100);
    socket.once('close', () => clearInterval(timer));
  });
  const { client, command } = open('SFNClient', 'messages', endpoint);
  const rejected = expect(client.send(command)).rejects.toHaveProperty('name', 'TimeoutError');
  await turn(() => requests > 0);
  await jest.advanceTimersByTimeAsync(CLIENT_WAITS.messages.callMs);
  await rejected;
  client.destroy();
});

test('a call that waits for a free socket ends as soon', async () => {
  let requests = 0;
  const endpoint = await listen(() => {
    requests += 1;
  });
  const { client, command } = open('DynamoDBClient', 'ledger', endpoint);
  const calls = Array.from({ length: 3 * CLIENT_WAITS.ledger.maxSockets }, () => client.send(command));
  const settled = Promise.allSettled(calls);
  await turn(() => requests === CLIENT_WAITS.ledger.maxSockets);
  await jest.advanceTimersByTimeAsync(CLIENT_WAITS.ledger.callMs);
  expect(new Set((await settled).map(({ status }) => status))).toEqual(new Set(['rejected']));
  client.destroy();
});
