import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { parentPort, workerData } from 'node:worker_threads';
import { awsCall } from '../aws-calls.ts';
import { createDynamoDbServer } from './dynamodb-server.ts';
import type { DynamoDbMode, DynamoDbWorkerData } from './dynamodb-thread.ts';

/**
 * DynamoDB's protocol on 127.0.0.1, in the thread of `dynamodb-thread.ts`: it posts its port, then receives modes and confirms
 * each.
 */
const { requests, calls } = workerData as DynamoDbWorkerData;
let mode: DynamoDbMode = 'up';

// Its server never listens, since closing it would lose the items.
const tables = createDynamoDbServer();

function respond(request: IncomingMessage, response: ServerResponse): void {
  if (mode === 'hang') return;
  if (calls !== undefined) {
    const chunks: Buffer[] = [];
    request.on('data', (chunk) => chunks.push(chunk));
    request.on('end', () => {
      calls.postMessage(awsCall(request.headers, JSON.parse(String(Buffer.concat(chunks)))));
    });
  }
  tables.emit('request', request, response);
  // dynalite throws uncatchably if a client disconnects before its response.
  request.removeAllListeners('error').on('error', () => {});
}

const server = createServer((request, response) => {
  Atomics.add(requests, 0, 1);
  response.once('close', () => Atomics.sub(requests, 0, 1));
  respond(request, response);
});
// Longer than clients' idle timeouts, since a client that reuses a socket while it is closed sees a reset.
server.keepAliveTimeout = 60_000;
server.on('connection', (socket) => {
  if (mode === 'down') socket.resetAndDestroy();
});
server.listen(0, '127.0.0.1', () => parentPort?.postMessage((server.address() as AddressInfo).port));

parentPort?.on('message', (next: DynamoDbMode) => {
  mode = next;
  if (mode === 'down') server.closeAllConnections();
  parentPort?.postMessage(mode);
});
