import * as http from 'node:http';
import * as https from 'node:https';
import type { Socket } from 'node:net';
import { failureCodeOf } from '../response-outcome.ts';
import type { SendResult, WebhookRequest } from '../webhook-sender.ts';
import type { AddressGuard } from './address-guard.ts';
import { ConnectionTimes } from './connection-times.ts';
import { forbiddenAddress, timePerAddressMs } from './guarded-lookup.ts';
import { HeadBytes } from './malformed-head.ts';
import { ResponseBody } from './response-body.ts';
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
  /** The longest wait for the body of a response that no caller asked to keep whole, in milliseconds. */
  readonly bodyWaitMs: number;
}

export interface Exchanged {
  readonly result: SendResult;
  /**
   * A kept connection was gone before a response began on it, or what came on it is no response, most likely the rest of
   * an earlier one: this says nothing about the partner.
   */
  readonly isStale: boolean;
}

/**
 * Sends one request and reads its response. Never rejects; when it is over, its socket is free again or closed.
 *
 * The status decides. What goes wrong after it (the rest of the head, the body, the deadline) is noted in the result and
 * costs the socket, and nothing else.
 */
export function exchange(order: Exchange): Promise<Exchanged> {
  const times = new ConnectionTimes(order.startedAtMs);
  const leftMs = order.deadlineMs - performance.now();
  if (!(leftMs > 0)) return Promise.resolve(failure('TIMEOUT', times));
  try {
    const request = prepare(order, leftMs);
    return new Promise((resolve) => new Running(order, request, times, resolve).start(leftMs));
  } catch (thrown) {
    // A header that Node does not allow: the request was never begun.
    return Promise.resolve(failure(failureCodeOf(thrown, 'UNSENDABLE'), times));
  }
}

function prepare({ target, request, agent }: Exchange, leftMs: number): http.ClientRequest {
  const transport = target.protocol === 'https:' ? https : http;
  const headers = { ...request.headers, 'Content-Length': Buffer.byteLength(request.body) };
  // Node's default is 250 ms, less than a round trip to the other side of the world and a lost packet take.
  const perAddress = { autoSelectFamilyAttemptTimeout: timePerAddressMs(leftMs) };
  return transport.request({ ...target.options, ...perAddress, agent, headers });
}

class Running {
  readonly #order: Exchange;
  readonly #request: http.ClientRequest;
  readonly #times: ConnectionTimes;
  readonly #resolve: (exchanged: Exchanged) => void;
  #deadline: NodeJS.Timeout | undefined;
  /** What a reused socket had received before this request. */
  #bytesBefore = 0;
  readonly #head = new HeadBytes();
  #response: http.IncomingMessage | undefined;
  #body: ResponseBody | undefined;
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
    this.#deadline = setTimeout(this.#expire, leftMs);
    this.#request
      .on('socket', (socket) => this.#connect(socket))
      .on('finish', () => this.#order.request.onProgress?.('sent'))
      .on('information', () => this.#head.dropInterim())
      .on('response', (answer) => this.#read(answer))
      // 101 comes as an event of its own, and with a socket that is nobody's any more.
      .on('upgrade', (answer) => {
        this.#begin(answer);
        this.#abandon(this.#answered(answer));
      })
      .on('error', (error) => this.#fail(error))
      .on('close', () => this.#close())
      .end(this.#order.request.body);
  }

  #connect(socket: Socket): void {
    // Before the parser's own listener, which reports a fault as soon as it has the packet.
    socket.prependListener('data', this.#head.add);
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
    this.#begin(answer);
    this.#request.socket?.removeListener('data', this.#head.add);
    const { keepBodyBytes } = this.#order.request;
    const body = new ResponseBody(keepBodyBytes);
    this.#body = body;
    // Only the token client needs the body. For others the result is known, and waiting serves the connection alone.
    if (keepBodyBytes === undefined) this.#shortenDeadline();
    answer
      .on('data', (part: Buffer) => {
        if (!body.take(part)) this.#abandon(this.#answered(answer));
      })
      .on('end', () => {
        this.#outcome = this.#answered(answer);
        // A partner may answer before it has read the request, and may never read the rest.
        if (this.#isClosed || !this.#request.writableFinished) this.#abandon(this.#outcome);
        // Node would keep the connection; the request itself is destroyed for Node already.
        else if (hasHiddenBody(answer)) this.#request.socket?.destroy();
      })
      .on('error', (error) => this.#fail(error));
  }

  /** @param answer absent where its head cannot be read */
  #begin(answer?: http.IncomingMessage): void {
    this.#response = answer;
    this.#order.request.onProgress?.('responded');
    this.#times.noteFirstByte();
  }

  #shortenDeadline(): void {
    // It may be over already, where the event loop was late.
    const leftMs = Math.max(0, this.#order.deadlineMs - performance.now());
    clearTimeout(this.#deadline);
    this.#deadline = setTimeout(this.#expire, Math.min(leftMs, this.#order.bodyWaitMs));
  }

  /** Once more around the event loop, so that a response which came while it stood still counts. */
  readonly #expire = (): void => {
    setImmediate(() => this.#abandon(this.#outcome ?? this.#failed('TIMEOUT')));
  };

  /** The request is closed when its socket is back with the agent, or gone. */
  #close(): void {
    this.#isClosed = true;
    if (this.#outcome !== undefined) this.#settle(this.#outcome);
    // A response that has begun still says how it ends.
    else if (this.#response === undefined) this.#settle(failure('CLOSED', this.#times));
  }

  #fail(error: Error): void {
    const code = failureCodeOf(error, error.name);
    if (this.#response === undefined && code.startsWith('HPE_')) {
      this.#abandon(this.#malformed(code, error));
      return;
    }
    const wasAnswered = (this.#request.socket?.bytesRead ?? 0) > this.#bytesBefore;
    const isStale = this.#request.reusedSocket && !wasAnswered && (code === 'ECONNRESET' || code === 'EPIPE');
    this.#abandon({ ...this.#failed(code), isStale });
  }

  /** A failure, or the status where it was known before. */
  #failed(code: string): Exchanged {
    return this.#response === undefined ? failure(code, this.#times) : this.#answered(this.#response, code);
  }

  /** @param error of Node's parser: it says how far it came in which packet */
  #malformed(code: string, error: Error): Exchanged {
    const { bytesParsed, rawPacket } = error as { bytesParsed?: number; rawPacket?: Buffer };
    // The byte that the parser refused is looked at: after three digits it may be a fourth.
    const unreadBytes = Math.max(0, (rawPacket?.length ?? 0) - (bytesParsed ?? 0) - 1);
    const head = this.#head.read(unreadBytes);
    if (head === undefined) {
      return { ...failure('MALFORMED_RESPONSE', this.#times), isStale: this.#request.reusedSocket };
    }
    this.#begin();
    return {
      result: { kind: 'answered', ...head, responseFault: code, timings: this.#times.untilNow() },
      isStale: false,
    };
  }

  #abandon(exchanged: Exchanged): void {
    this.#settle(exchanged);
    this.#request.destroy();
  }

  #settle(exchanged: Exchanged): void {
    clearTimeout(this.#deadline);
    this.#resolve(exchanged);
  }

  #answered(answer: http.IncomingMessage, responseFault?: string): Exchanged {
    // `headers` has the first of several only.
    const retryAfter = answer.headersDistinct['retry-after']?.join(', ');
    const { statusCode: status = 0 } = answer;
    const isRefusal = status < 200 || status >= 300;
    const contentType = isRefusal ? answer.headers['content-type'] : undefined;
    const bodyBytes = isRefusal ? this.#body?.bytes : undefined;
    const responseStart = this.#body?.start(answer.headers);
    const result: SendResult = {
      kind: 'answered',
      status,
      ...(retryAfter !== undefined && { retryAfter }),
      ...(responseStart !== undefined && { responseStart }),
      ...(responseFault !== undefined && { responseFault }),
      ...(contentType !== undefined && { contentType }),
      ...(bodyBytes !== undefined && bodyBytes > 0 && { bodyBytes }),
      timings: this.#times.untilNow(),
    };
    return { result, isStale: false };
  }
}

/**
 * Whether a body may follow that the parser does not read: after these statuses there is none (RFC 9112, 6.3), whatever
 * the headers announce. It would become the response to the next request on the connection.
 */
function hasHiddenBody({ statusCode = 0, headers }: http.IncomingMessage): boolean {
  // Of these, 101 alone comes here: what follows is another protocol.
  if (statusCode < 200) return true;
  const { 'content-length': length = '0', 'transfer-encoding': encoding } = headers;
  return (statusCode === 204 || statusCode === 304) && (length !== '0' || encoding !== undefined);
}

function failure(code: string, times: ConnectionTimes): Exchanged {
  return { result: { kind: 'failed', code, timings: times.untilNow() }, isStale: false };
}
