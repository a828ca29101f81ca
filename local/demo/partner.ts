import type { IncomingHttpHeaders } from 'node:http';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { type HttpServer, startHttpServer } from '../http-server.ts';
import { type Answer, answerFor, type Behaviour, type FullAnswer } from './partner-answers.ts';
import { type Verification, verify } from './signature.ts';
import type { TokenServer } from './token-server.ts';

/** One webhook as a partner received it. */
export interface Receipt extends Verification {
  readonly method: string;
  /** Path and query. */
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  /** The exact bytes, as text. */
  readonly body: string;
  /** When the request was complete, ISO 8601. */
  readonly received_at: string;
  /** Whose endpoint it is: the first part of the path. */
  readonly integration_id: string;
}

export interface Partner extends HttpServer {
  /** Every webhook, oldest first. Requests for tokens are not among them. */
  readonly receipts: readonly Receipt[];
  /** How each path answers now. */
  readonly behaviours: ReadonlyMap<string, Behaviour>;
  /** From the next request on. */
  setBehaviour(path: string, behaviour: Behaviour): void;
}

/** Called for each webhook that a partner received, with what it answers. */
export type OnReceipt = (receipt: Receipt, answered: number | 'hang') => void;

export interface PartnerOptions {
  /** How each path answers at first; other paths answer 404. */
  readonly behaviours: Readonly<Record<string, Behaviour>>;
  /** What each partner holds, by its integration's id. Read at each webhook. */
  readonly signingSecrets?: ReadonlyMap<string, readonly string[]>;
  /** Partners that it knows answer 401 to a webhook without one of its tokens. */
  readonly tokens?: TokenServer;
  readonly onReceipt?: OnReceipt | undefined;
}

/** The partners' side, on 127.0.0.1: one server, a path for each. */
export async function startPartner(options: PartnerOptions): Promise<Partner> {
  const { signingSecrets, tokens, onReceipt } = options;
  const receipts: Receipt[] = [];
  const behaviours = new Map(Object.entries(options.behaviours));
  const answerTo = (receipt: Receipt, behaviour: Exclude<Behaviour, 'down'>): Answer => {
    if (tokens?.refuses(receipt.integration_id, receipt.headers.authorization)) return 401;
    const id = receipt.headers['webhook-id'];
    const earlier = receipts.filter(({ path, headers }) => path === receipt.path && headers['webhook-id'] === id);
    return answerFor(behaviour, earlier.length);
  };
  const server = await startHttpServer(async (request, response) => {
    const { method = '', url: path = '', headers } = request;
    const behaviour = behaviours.get(path) ?? 404;
    if (behaviour === 'down') {
      request.socket.resetAndDestroy();
      return;
    }
    const body = await text(request).catch(() => undefined);
    if (body === undefined) return;
    const token = tokens?.answer(method, path, body);
    if (token !== undefined) {
      response.writeHead(token.status, { 'content-type': 'application/json' }).end(JSON.stringify(token.body));
      return;
    }
    const integrationId = path.split(/[/?]/)[1] ?? '';
    const receipt: Receipt = {
      ...{ method, path, headers, body, received_at: new Date().toISOString(), integration_id: integrationId },
      ...verify(body, headers, signingSecrets?.get(integrationId) ?? []),
    };
    const answer = answerTo(receipt, behaviour);
    receipts.push(receipt);
    onReceipt?.(receipt, typeof answer === 'object' ? answer.status : answer);
    if (answer === 'hang') return;
    const { status, headers: answered, afterMs }: FullAnswer = typeof answer === 'object' ? answer : { status: answer };
    if (afterMs !== undefined) await sleep(afterMs);
    response.writeHead(status, answered).end();
  });
  return {
    ...server,
    receipts,
    behaviours,
    setBehaviour: (path, behaviour) => behaviours.set(path, behaviour),
  };
}
