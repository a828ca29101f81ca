import { createHash } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import type { ServerUse } from '../server-use.ts';

/**
 * The deliveries queue in a process of its own, as far as senders need one: it takes every message, answers as SQS does, and
 * keeps nothing, so that it is as fast with the last one as with the first. Tells its port when it is told anything, then at
 * any message how it is used. Ends with its parent.
 */
export interface QueueUse extends ServerUse {
  /** Messages that have a learning time. */
  readonly enriched: number;
}

interface Message {
  readonly Id?: string;
  readonly MessageBody: string;
}

let requests = 0;
let enriched = 0;

function take({ Id, MessageBody }: Message) {
  if (MessageBody.includes('total_seconds')) enriched += 1;
  // The SDK compares the hash.
  return { Id, MessageId: `${enriched}`, MD5OfMessageBody: createHash('md5').update(MessageBody).digest('hex') };
}

process.once('disconnect', () => process.exit());
process.once('message', () => {
  const server = createServer(async (request, response) => {
    const body = JSON.parse(await text(request)) as Message & { readonly Entries?: readonly Message[] };
    requests += 1;
    const answer = body.Entries === undefined ? take(body) : { Successful: body.Entries.map(take), Failed: [] };
    response.writeHead(200, { 'content-type': 'application/x-amz-json-1.0' }).end(JSON.stringify(answer));
  });
  // Nothing is closed between rounds, however slow the machine.
  server.keepAliveTimeout = 600_000;
  server.listen(0, '127.0.0.1', () => process.send?.((server.address() as AddressInfo).port));
  process.on('message', () => {
    const { user, system } = process.cpuUsage();
    process.send?.({ requests, enriched, cpuMs: (user + system) / 1000 } satisfies QueueUse);
  });
});
