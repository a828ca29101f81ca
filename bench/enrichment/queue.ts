import { createHash } from 'node:crypto';
import { createServer } from 'node:http';
import { text } from 'node:stream/consumers';
import { answerServerOrders, listen } from '../worker.ts';

/** The deliveries queue: accepts every message and responds like SQS. It stores nothing, so that it does not slow down. */
export interface QueueUse {
  /** Messages that have a learning time. */
  readonly enriched: number;
}

interface Message {
  readonly Id?: string;
  readonly MessageBody: string;
}

let messages = 0;
let enriched = 0;

function take({ Id, MessageBody }: Message) {
  messages += 1;
  if (MessageBody.includes('total_seconds')) enriched += 1;
  // The SDK verifies the hash.
  return { Id, MessageId: `${messages}`, MD5OfMessageBody: createHash('md5').update(MessageBody).digest('hex') };
}

const server = createServer(async (request, response) => {
  const body = JSON.parse(await text(request)) as Message & { readonly Entries?: readonly Message[] };
  const result = body.Entries === undefined ? take(body) : { Successful: body.Entries.map(take), Failed: [] };
  response.writeHead(200, { 'content-type': 'application/x-amz-json-1.0' }).end(JSON.stringify(result));
});
answerServerOrders<QueueUse>(await listen(server), () => ({ enriched }));
