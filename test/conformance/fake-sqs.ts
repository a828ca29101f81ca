import { json } from 'node:stream/consumers';
import { startHttpServer } from '../../local/http-server.ts';

export interface Entry {
  readonly Id: string;
  readonly MessageBody: string;
  readonly MessageGroupId?: string;
}

/** How an entry fares: taken, or refused with SQS's code. */
export type Fate = 'taken' | { readonly code: string; readonly senderFault: boolean };

export interface FakeSqs {
  readonly endpoint: string;
  readonly queueUrl: string;
  /** The entries of each `SendMessageBatch`, oldest first. */
  readonly batches: readonly (readonly Entry[])[];
  close(): Promise<void>;
}

/**
 * SQS as far as `SendMessageBatch` goes, on 127.0.0.1, in its JSON protocol: for refusals that the local platform's SQS
 * never makes.
 *
 * @param fate of an entry by its message, and by which request this is, from 1; a number refuses the whole request with
 * that status
 */
export async function startFakeSqs(fate: (message: string, request: number) => Fate | number): Promise<FakeSqs> {
  const batches: Entry[][] = [];
  const { url, close } = await startHttpServer(async (request, response) => {
    const { Entries } = (await json(request)) as { Entries: Entry[] };
    batches.push(Entries);
    const fates = Entries.map(({ Id, MessageBody }) => ({ Id, fate: fate(MessageBody, batches.length) }));
    const refusal = fates.find(({ fate }) => typeof fate === 'number')?.fate;
    const answer = {
      Successful: fates.flatMap(({ Id, fate }) => (fate === 'taken' ? [{ Id, MessageId: `message-${Id}` }] : [])),
      Failed: fates.flatMap(({ Id, fate }) =>
        typeof fate === 'object'
          ? [{ Id, Code: fate.code, SenderFault: fate.senderFault, Message: 'refused by the test' }]
          : [],
      ),
    };
    const denied = { __type: 'com.amazonaws.sqs#AccessDeniedException', message: 'not allowed' };
    response
      .writeHead(typeof refusal === 'number' ? refusal : 200, { 'content-type': 'application/x-amz-json-1.0' })
      .end(JSON.stringify(refusal === undefined ? answer : denied));
  });
  return { endpoint: url, queueUrl: `${url}/000000000000/events`, batches, close };
}
