import { type AddressInfo, createServer } from 'node:net';
import type { DynamoDBClientConfig } from '@aws-sdk/client-dynamodb';
import { GetItemCommand, PutItemCommand } from '@aws-sdk/client-dynamodb';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { LEDGER_CLIENT_OPTIONS } from '../../../lambdas/adapters/dynamodb/client-options.ts';
import {
  clientOf,
  type LedgerServer,
  startLedgerServer,
  startTableFront,
  type TableFront,
} from '../../support/dynamodb.ts';
import { type FrontServer, startFrontServer } from '../../support/front-server.ts';

let server: LedgerServer;
let front: TableFront;
let stalling: FrontServer;
beforeAll(async () => {
  server = await startLedgerServer();
  front = await startTableFront(server.endpoint);
  stalling = await startFrontServer(server.endpoint);
});
beforeEach(() => {
  front.decide(() => 'pass');
  front.calls.length = 0;
});
afterAll(async () => {
  await Promise.all([front.close(), stalling.close()]);
  await server.close();
});

const get = new GetItemCommand({ TableName: 'ledger', Key: { pk: { S: 'a' }, sk: { S: 'state' } } });
const put = new PutItemCommand({ TableName: 'ledger', Item: { pk: { S: 'a' }, sk: { S: 'state' } } });

/** Two tries of a second, and a pause, on a machine that others use: what has no end of its own takes ten times that. */
const SOON_MS = 8_000;

/** How long a call takes to fail, in milliseconds, and with what. */
async function failure(endpoint: string, command: GetItemCommand | PutItemCommand = get) {
  const client = clientOf(endpoint, LEDGER_CLIENT_OPTIONS as DynamoDBClientConfig);
  const startedMs = performance.now();
  try {
    await client.send(command as GetItemCommand);
    return { error: 'none', tookMs: performance.now() - startedMs };
  } catch (thrown) {
    return { error: (thrown as Error).name, tookMs: performance.now() - startedMs };
  } finally {
    client.destroy();
  }
}

describe('a call to the ledger', () => {
  test('that is never answered ends after two tries of a second', async () => {
    front.decide(() => 'hang');
    const { error, tookMs } = await failure(front.endpoint);
    expect(error).toBe('TimeoutError');
    expect(tookMs).toBeGreaterThan(1_900);
    expect(tookMs).toBeLessThan(SOON_MS);
    expect(front.calls).toHaveLength(2);
  });

  test('whose answer stops on its way ends as soon', async () => {
    stalling.behave('stall');
    const { error, tookMs } = await failure(stalling.endpoint);
    expect(error).not.toBe('none');
    expect(tookMs).toBeLessThan(SOON_MS);
  });

  test('that waits for a free socket ends as soon', async () => {
    front.decide(() => 'hang');
    const client = clientOf(front.endpoint, LEDGER_CLIENT_OPTIONS as DynamoDBClientConfig);
    const startedMs = performance.now();
    const waiting = LEDGER_CLIENT_OPTIONS.requestHandler.httpAgent.maxSockets * 3;
    const calls = await Promise.allSettled(Array.from({ length: waiting }, () => client.send(get)));
    client.destroy();
    expect(new Set(calls.map(({ status }) => status))).toEqual(new Set(['rejected']));
    expect(performance.now() - startedMs).toBeLessThan(SOON_MS);
  });

  test('whose answer comes drop by drop ends as soon', async () => {
    const dripping = createServer((socket) => {
      socket.on('error', () => undefined).write('HTTP/1.1 200 OK\r\nx-drops: ');
      const timer = setInterval(() => socket.write('.'), 300);
      socket.once('close', () => clearInterval(timer));
    });
    await new Promise<void>((resolve) => dripping.listen(0, '127.0.0.1', resolve));
    const { error, tookMs } = await failure(`http://127.0.0.1:${(dripping.address() as AddressInfo).port}`);
    await new Promise((resolve) => dripping.close(resolve));
    expect(error).toBe('TimeoutError');
    expect(tookMs).toBeLessThan(SOON_MS);
  });

  test('to where nobody listens ends at once', async () => {
    const { error, tookMs } = await failure('http://127.0.0.1:1', put);
    expect(error).not.toBe('none');
    expect(tookMs).toBeLessThan(SOON_MS);
  });
});
