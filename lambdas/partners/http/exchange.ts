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

/** One request on one connection. */
export interface ExchangeOptions {
  readonly target: Target;
  readonly request: WebhookRequest;
  readonly agent: http.Agent;
  readonly isAllowed: AddressGuard;
  /** Start and deadline of the send, by `performance.now()`. */
  readonly startedAtMs: number;
  readonly deadlineMs: number;
  /** The longest wait for the response body if the request sets no `keepBodyBytes`, in milliseconds. */
  readonly bodyWaitMs: number;
}

export interface Exchanged {
  readonly result: SendResult;
  /**
   * A reused connection was closed before a response began on it, or received something that is no response, such as the
   * rest of an earlier one. The request may be repeated on a new connection.
   */
  readonly isStale: boolean;
}

/**
 * Sends one request and reads its response. Never rejects. At the end its socket is back in the pool or closed.
 *
 * The status decides. A fault after it (in the rest of the head, in the body, or a timeout) is recorded in the result and
 * closes the socket.
 */
export function exchange(options: ExchangeOptions): Promise<Exchanged> {
  const times = new ConnectionTimes(options.startedAtMs);
  const leftMs = options.deadlineMs - performance.now();
  if (!(leftMs > 0)) return Promise.resolve(failure('TIMEOUT', times));
  try {
    const request = prepare(options, leftMs);
    return new Promise((resolve) => new RunningExchange(options, request, times, resolve).start(leftMs));
  } catch (thrown) {
    // A header that Node does not allow: the request was not started.
    return Promise.resolve(failure(failureCodeOf(thrown, 'UNSENDABLE'), times));
  }
}

function prepare({ target, request, agent }: ExchangeOptions, leftMs: number): http.ClientRequest {
  const transport = target.protocol === 'https:' ? https : http;
  const headers = { ...request.headers, 'Content-Length': Buffer.byteLength(request.body) };
  // Node's default of 250 ms is less than an intercontinental round trip with one lost packet.
  const perAddress = { autoSelectFamilyAttemptTimeout: timePerAddressMs(leftMs) };
  return transport.request({ ...target.options, ...perAddress, agent, headers });
}

class RunningExchange {
  readonly #options: ExchangeOptions;
  readonly #request: http.ClientRequest;
  readonly #times: ConnectionTimes;
  readonly #resolve: (exchanged: Exchanged) => void;
  #deadline: NodeJS.Timeout | undefined;
  /** Bytes that a reused socket had received before this request. */
  #bytesBefore = 0;
  readonly #head = new HeadBytes();
  #response: http.IncomingMessage | undefined;
  #body: ResponseBody | undefined;
  /** The result, while the socket is not yet released. */
  #outcome: Exchanged | undefined;
  #isClosed = false;

  constructor(
    options: ExchangeOptions,
    request: http.ClientRequest,
    times: ConnectionTimes,
    resolve: (exchanged: Exchanged) => void,
  ) {
    this.#options = options;
    this.#request = request;
    this.#times = times;
    this.#resolve = resolve;
  }

  start(leftMs: number): void {
    this.#deadline = setTimeout(this.#expire, leftMs);
    this.#request
      .on('socket', (socket) => this.#connect(socket))
      .on('finish', () => this.#options.request.onProgress?.('sent'))
      .on('information', () => this.#head.dropInterim())
      .on('response', (response) => this.#read(response))
      // Node emits `upgrade` for a 101, and detaches the socket from the agent.
      .on('upgrade', (response) => {
        this.#begin(response);
        this.#abandon(this.#responded(response));
      })
      .on('error', (error) => this.#fail(error))
      .on('close', () => this.#close())
      .end(this.#options.request.body);
  }

  #connect(socket: Socket): void {
    // Before the parser's listener, which reports a fault as soon as it has the packet.
    socket.prependListener('data', this.#head.add);
    if (this.#request.reusedSocket) {
      this.#bytesBefore = socket.bytesRead;
      return;
    }
    this.#times.follow(socket);
    // The lookup has filtered the addresses. This check does not depend on how Node connects.
    socket.once('connect', () => {
      const { remoteAddress } = socket;
      // Without an address the connection is already closed, and reports that itself.
      if (remoteAddress !== undefined && !this.#options.isAllowed(remoteAddress)) socket.destroy(forbiddenAddress());
    });
  }

  #read(response: http.IncomingMessage): void {
    this.#begin(response);
    this.#request.socket?.removeListener('data', this.#head.add);
    const { keepBodyBytes } = this.#options.request;
    const body = new ResponseBody(keepBodyBytes);
    this.#body = body;
    // Only the token client needs the body. For others the result is known, and reading on only makes the socket reusable.
    if (keepBodyBytes === undefined) this.#shortenDeadline();
    response
      .on('data', (part: Buffer) => {
        if (!body.take(part)) this.#abandon(this.#responded(response));
      })
      .on('end', () => {
        this.#outcome = this.#responded(response);
        // A partner may respond before it has read the request, and may never read the rest.
        if (this.#isClosed || !this.#request.writableFinished) this.#abandon(this.#outcome);
        // Node would reuse the connection, and ignores `destroy` of a request that has ended.
        else if (hasHiddenBody(response)) this.#request.socket?.destroy();
      })
      .on('error', (error) => this.#fail(error));
  }

  /** @param response absent if its head cannot be parsed */
  #begin(response?: http.IncomingMessage): void {
    this.#response = response;
    this.#options.request.onProgress?.('responded');
    this.#times.recordFirstByte();
  }

  #shortenDeadline(): void {
    // The deadline may have passed, if the event loop was blocked.
    const leftMs = Math.max(0, this.#options.deadlineMs - performance.now());
    clearTimeout(this.#deadline);
    this.#deadline = setTimeout(this.#expire, Math.min(leftMs, this.#options.bodyWaitMs));
  }

  /** Lets the event loop run once more, so that a response that arrived while it was blocked still counts. */
  readonly #expire = (): void => {
    setImmediate(() => this.#abandon(this.#outcome ?? this.#failed('TIMEOUT')));
  };

  /** Called when the socket is back in the agent's pool, or closed. */
  #close(): void {
    this.#isClosed = true;
    if (this.#outcome !== undefined) this.#settle(this.#outcome);
    // A response that has begun still emits `end` or `error`.
    else if (this.#response === undefined) this.#settle(failure('CLOSED', this.#times));
  }

  #fail(error: Error): void {
    const code = failureCodeOf(error, error.name);
    if (this.#response === undefined && code.startsWith('HPE_')) {
      this.#abandon(this.#malformed(code, error));
      return;
    }
    const hasReceived = (this.#request.socket?.bytesRead ?? 0) > this.#bytesBefore;
    const isStale = this.#request.reusedSocket && !hasReceived && (code === 'ECONNRESET' || code === 'EPIPE');
    this.#abandon({ ...this.#failed(code), isStale });
  }

  /** A failure, or the response if its status was received before. */
  #failed(code: string): Exchanged {
    return this.#response === undefined ? failure(code, this.#times) : this.#responded(this.#response, code);
  }

  /** @param error of Node's parser, with the packet and the number of bytes parsed */
  #malformed(code: string, error: Error): Exchanged {
    const { bytesParsed, rawPacket } = error as { bytesParsed?: number; rawPacket?: Buffer };
    // Include the byte that the parser refused: after three digits of a status it may be a fourth.
    const unreadBytes = Math.max(0, (rawPacket?.length ?? 0) - (bytesParsed ?? 0) - 1);
    const head = this.#head.read(unreadBytes);
    if (head === undefined) {
      return { ...failure('MALFORMED_RESPONSE', this.#times), isStale: this.#request.reusedSocket };
    }
    this.#begin();
    return {
      result: { kind: 'responded', ...head, responseFault: code, timings: this.#times.untilNow() },
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

  #responded(response: http.IncomingMessage, responseFault?: string): Exchanged {
    // `headers` has only the first of several values.
    const retryAfter = response.headersDistinct['retry-after']?.join(', ');
    const { statusCode: status = 0 } = response;
    const isRefusal = status < 200 || status >= 300;
    const contentType = isRefusal ? response.headers['content-type'] : undefined;
    const bodyBytes = isRefusal ? this.#body?.bytes : undefined;
    const responseStart = this.#body?.start(response.headers);
    const result: SendResult = {
      kind: 'responded',
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
 * Whether a body may follow that the parser does not read. After these statuses there must be none (RFC 9112, 6.3), even
 * if the headers announce one; it would be read as the response to the next request on the connection.
 */
function hasHiddenBody({ statusCode = 0, headers }: http.IncomingMessage): boolean {
  // Only 101 reaches this: another protocol follows it.
  if (statusCode < 200) return true;
  const { 'content-length': length = '0', 'transfer-encoding': encoding } = headers;
  return (statusCode === 204 || statusCode === 304) && (length !== '0' || encoding !== undefined);
}

function failure(code: string, times: ConnectionTimes): Exchanged {
  return { result: { kind: 'failed', code, timings: times.untilNow() }, isStale: false };
}
