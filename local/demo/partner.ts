import type { IncomingHttpHeaders } from 'node:http';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { type HttpServer, startHttpServer } from '../http-server.ts';
import { type Behaviour, type FullResponse, type PartnerResponse, responseFor } from './partner-responses.ts';
import { type Verification, verify } from './signature.ts';
import type { TokenServer } from './token-server.ts';

/** A webhook that a partner received. */
export interface Receipt extends Verification {
  readonly method: string;
  /** Path and query. */
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  /** The exact bytes, as text. */
  readonly body: string;
  /** Time of the complete request, ISO 8601. */
  readonly received_at: string;
  /** The integration: the first segment of the path. */
  readonly integration_id: string;
}

export interface Partner extends HttpServer {
  /** All webhooks, oldest first, without requests for tokens. */
  readonly receipts: readonly Receipt[];
  /** The current behavior of each path. */
  readonly behaviours: ReadonlyMap<string, Behaviour>;
  /** Changes a path's behavior from the next request on. */
  setBehaviour(path: string, behaviour: Behaviour): void;
}

/** Called for each webhook that a partner received, with its response. */
export type OnReceipt = (receipt: Receipt, status: number | 'hang') => void;

export interface PartnerOptions {
  /** The initial behavior of each path; other paths respond 404. */
  readonly behaviours: Readonly<Record<string, Behaviour>>;
  /** Signing secrets of each partner, by integration id. Read for each webhook. */
  readonly signingSecrets?: ReadonlyMap<string, readonly string[]>;
  /** Its partners respond 401 to a webhook without a valid token. */
  readonly tokens?: TokenServer;
  readonly onReceipt?: OnReceipt | undefined;
}

/** The partners on 127.0.0.1: one server, with a path for each. */
export async function startPartner(options: PartnerOptions): Promise<Partner> {
  const { signingSecrets, tokens, onReceipt } = options;
  const receipts: Receipt[] = [];
  const behaviours = new Map(Object.entries(options.behaviours));
  const responseTo = (receipt: Receipt, behaviour: Exclude<Behaviour, 'down'>): PartnerResponse => {
    if (tokens?.refuses(receipt.integration_id, receipt.headers.authorization)) return 401;
    const id = receipt.headers['webhook-id'];
    const earlier = receipts.filter(({ path, headers }) => path === receipt.path && headers['webhook-id'] === id);
    return responseFor(behaviour, earlier.length);
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
    const token = tokens?.respond(method, path, body);
    if (token !== undefined) {
      response.writeHead(token.status, { 'content-type': 'application/json' }).end(JSON.stringify(token.body));
      return;
    }
    const integrationId = path.split(/[/?]/)[1] ?? '';
    const receipt: Receipt = {
      ...{ method, path, headers, body, received_at: new Date().toISOString(), integration_id: integrationId },
      ...verify(body, headers, signingSecrets?.get(integrationId) ?? []),
    };
    const chosen = responseTo(receipt, behaviour);
    receipts.push(receipt);
    onReceipt?.(receipt, typeof chosen === 'object' ? chosen.status : chosen);
    if (chosen === 'hang') return;
    const full: FullResponse = typeof chosen === 'object' ? chosen : { status: chosen };
    if (full.afterMs !== undefined) await sleep(full.afterMs);
    response.writeHead(full.status, full.headers).end();
  });
  return {
    ...server,
    receipts,
    behaviours,
    setBehaviour: (path, behaviour) => behaviours.set(path, behaviour),
  };
}
