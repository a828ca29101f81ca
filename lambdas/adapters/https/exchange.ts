import * as http from 'node:http';
import * as https from 'node:https';
import type { Socket } from 'node:net';
import type { SendResult, WebhookRequest } from '../../contract/delivery-ports.ts';
import type { AddressGuard } from './address-guard.ts';
import { AnswerBody } from './answer-body.ts';
import { ConnectionTimes } from './connection-times.ts';
import { forbiddenAddress } from './guarded-lookup.ts';
import type { Target } from './target.ts';

/** One request, once. */
export interface Exchange {
  readonly target: Target;
  readonly request: WebhookRequest;
  readonly agent: http.Agent;
  readonly isAllowed: AddressGuard;
  /** When the sender was asked, and when it must have answered; both by `performance.now()`. */
  readonly startedAtMs: number;
  readonly deadlineMs: number;
}

export interface Exchanged {
  readonly result: SendResult;
  /** A kept connection was gone before anything was answered on it: this says nothing about the partner. */
  readonly isStale: boolean;
}

/** Sends one request and reads its answer. Never rejects; when it is over, its socket is free again or closed. */
export function exchange(order: Exchange): Promise<Exchanged> {
  const times = new ConnectionTimes(order.startedAtMs);
  const leftMs = order.deadlineMs - performance.now();
  if (!(leftMs > 0)) return Promise.resolve(failure('TIMEOUT', times));
  try {
    const request = prepare(order);
    return new Promise((resolve) => new Running(order, request, times, resolve).start(leftMs));
  } catch (thrown) {
    // A header that Node does not allow: the request was never begun.
    return Promise.resolve(failure(codeOf(thrown, 'UNSENDABLE'), times));
  }
}

function prepare({ target, request, agent }: Exchange): http.ClientRequest {
  const transport = target.protocol === 'https:' ? https : http;
  const headers = { ...request.headers, 'content-length': Buffer.byteLength(request.body) };
  return transport.request({ ...target.options, agent, headers });
}

class Running {
  readonly #order: Exchange;
  readonly #request: http.ClientRequest;
  readonly #times: ConnectionTimes;
  readonly #resolve: (exchanged: Exchanged) => void;
  #deadline: NodeJS.Timeout | undefined;
  /** What a reused socket had received before this request. */
  #bytesBefore = 0;
  #hasBegun = false;
  /** The result, from when it is known until the socket is free. */
  #outcome: Exchanged | undefined;
  #isClosed = false;

  constructor(
    order: Exchange,
    request: http.ClientRequest,
    times: ConnectionTimes,
    resolve: (exchanged: Exchanged) => void,
  ) {
    this.#order = order;
    this.#request = request;
    this.#times = times;
    this.#resolve = resolve;
  }

  start(leftMs: number): void {
    this.#deadline = setTimeout(() => this.#abandon(this.#outcome ?? failure('TIMEOUT', this.#times)), leftMs);
    this.#request
      .on('socket', (socket) => this.#connect(socket))
      .on('response', (answer) => this.#read(answer))
      // 101 comes as an event of its own, and with a socket that is nobody's any more.
      .on('upgrade', (answer) => {
        this.#times.noteFirstByte();
        this.#abandon(this.#answered(answer));
      })
      .on('error', (error) => this.#fail(error))
      .on('close', () => this.#close())
      .end(this.#order.request.body);
  }

  #connect(socket: Socket): void {
    if (this.#request.reusedSocket) {
      this.#bytesBefore = socket.bytesRead;
      return;
    }
    this.#times.follow(socket);
    // The lookup let no other address pass; this holds whatever becomes of Node's way to connect.
    socket.once('connect', () => {
      const { remoteAddress } = socket;
      // Without one the connection is gone already, and says so itself.
      if (remoteAddress !== undefined && !this.#order.isAllowed(remoteAddress)) socket.destroy(forbiddenAddress());
    });
  }

  #read(answer: http.IncomingMessage): void {
    this.#hasBegun = true;
    this.#times.noteFirstByte();
    const body = new AnswerBody(this.#order.request.keepAnswerBytes);
    answer
      .on('data', (part: Buffer) => {
        if (!body.take(part)) this.#abandon(this.#answered(answer, body));
      })
      .on('end', () => {
        this.#outcome = this.#answered(answer, body);
        // A partner may answer before it has read the request, and may never read the rest.
        if (this.#isClosed || !this.#request.writableFinished) this.#abandon(this.#outcome);
      })
      .on('error', (error) => this.#fail(error));
  }

  /** The request is closed when its socket is back with the agent, or gone. */
  #close(): void {
    this.#isClosed = true;
    if (this.#outcome !== undefined) this.#settle(this.#outcome);
    // An answer that has begun still says how it ends.
    else if (!this.#hasBegun) this.#settle(failure('CLOSED', this.#times));
  }

  #fail(error: Error): void {
    const code = codeOf(error, error.name);
    const wasAnswered = (this.#request.socket?.bytesRead ?? 0) > this.#bytesBefore;
    const isStale = this.#request.reusedSocket && !wasAnswered && (code === 'ECONNRESET' || code === 'EPIPE');
    this.#abandon({ ...failure(code, this.#times), isStale });
  }

  #abandon(exchanged: Exchanged): void {
    this.#settle(exchanged);
    this.#request.destroy();
  }

  #settle(exchanged: Exchanged): void {
    clearTimeout(this.#deadline);
    this.#resolve(exchanged);
  }

  #answered(answer: http.IncomingMessage, body?: AnswerBody): Exchanged {
    const retryAfter = answer.headers['retry-after'];
    const answerStart = body?.start();
    const result: SendResult = {
      kind: 'answered',
      status: answer.statusCode ?? 0,
      ...(retryAfter !== undefined && { retryAfter }),
      ...(answerStart !== undefined && { answerStart }),
      timings: this.#times.untilNow(),
    };
    return { result, isStale: false };
  }
}

function failure(code: string, times: ConnectionTimes): Exchanged {
  return { result: { kind: 'failed', code, timings: times.untilNow() }, isStale: false };
}

/** How OpenSSL says that the other side speaks TLS below 1.2 only; to Node all of this is EPROTO. */
const OLD_PROTOCOL = /alert protocol version|unsupported protocol/;

function codeOf(thrown: unknown, otherwise: string): string {
  const { code, message } = (thrown ?? {}) as { code?: unknown; message?: unknown };
  if (code === 'EPROTO' && OLD_PROTOCOL.test(String(message))) return 'ERR_SSL_UNSUPPORTED_PROTOCOL';
  return typeof code === 'string' ? code : otherwise;
}
