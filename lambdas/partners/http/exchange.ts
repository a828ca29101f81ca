import * as http from 'node:http';
import { failureCodeOf } from '../response-outcome.ts';
import type { SendResult, WebhookRequest } from '../webhook-sender.ts';
import type { Connection, ConnectionPool } from './connection-pool.ts';
import { ConnectionTimes } from './connection-times.ts';
import { HeadBytes } from './malformed-head.ts';
import { ResponseBody } from './response-body.ts';
import type { Target } from './target.ts';

/** One request on one connection. */
export interface ExchangeOptions {
  readonly target: Target;
  readonly request: WebhookRequest;
  readonly pool: ConnectionPool;
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
 * Sends one request and reads its response. Never rejects. At the end its connection is back in the pool or closed.
 *
 * The status decides. A fault after it (in the rest of the head, in the body, or a timeout) is recorded in the result and
 * closes the connection.
 */
export function exchange(options: ExchangeOptions): Promise<Exchanged> {
  return new Promise((resolve) => new RunningExchange(options, resolve).start());
}

class RunningExchange {
  readonly #options: ExchangeOptions;
  readonly #times: ConnectionTimes;
  readonly #resolve: (exchanged: Exchanged) => void;
  #deadline: NodeJS.Timeout | undefined;
  // Both are set when the request starts.
  #connection!: Connection;
  #request!: http.ClientRequest;
  readonly #head = new HeadBytes();
  #hasReceived = false;
  #response: http.IncomingMessage | undefined;
  #body: ResponseBody | undefined;
  /** The result, while the connection is not yet released. */
  #outcome: Exchanged | undefined;
  #isClosed = false;

  constructor(options: ExchangeOptions, resolve: (exchanged: Exchanged) => void) {
    this.#options = options;
    this.#times = new ConnectionTimes(options.startedAtMs);
    this.#resolve = resolve;
  }

  start(): void {
    const { target, request, pool, deadlineMs } = this.#options;
    const leftMs = deadlineMs - performance.now();
    if (!(leftMs > 0)) {
      this.#resolve(failure('TIMEOUT', this.#times));
      return;
    }
    // Node calls it when it has accepted the headers.
    const addRequest = (clientRequest: http.ClientRequest) => {
      this.#connection = pool.take(target, leftMs, request.clientCertificate);
      this.#connection.receive = this.#receive;
      if (!this.#connection.isReused) this.#times.follow(this.#connection.socket);
      clientRequest.onSocket(this.#connection.socket);
    };
    try {
      this.#request = http.request({
        ...target.options,
        headers: headersOf(request, target),
        agent: agentWith(addRequest),
      });
    } catch (thrown) {
      // A header that Node does not allow: the request was not started.
      this.#resolve(failure(failureCodeOf(thrown, 'UNSENDABLE'), this.#times));
      return;
    }
    this.#deadline = setTimeout(this.#expire, leftMs);
    const { onProgress } = request;
    if (onProgress !== undefined) this.#request.on('finish', () => onProgress('sent'));
    this.#request
      .on('information', () => this.#head.dropInterim())
      .on('response', (response) => this.#read(response))
      // Node emits `upgrade` for a 101.
      .on('upgrade', (response) => {
        this.#begin(response);
        this.#abandon(this.#responded(response));
      })
      .on('error', (error) => this.#fail(error))
      .on('close', () => this.#close())
      .end(request.body);
  }

  readonly #receive = (packet: Buffer): void => {
    this.#hasReceived = true;
    if (this.#response === undefined) this.#head.add(packet);
  };

  #read(response: http.IncomingMessage): void {
    this.#begin(response);
    const { keepBodyBytes } = this.#options.request;
    const body = new ResponseBody(keepBodyBytes);
    this.#body = body;
    // Only the token client needs the body. For others the result is known, and reading on only makes the connection reusable.
    // Most responses are one packet, which the parser has read to its end by the next tick.
    if (keepBodyBytes === undefined) process.nextTick(() => response.complete || this.#shortenDeadline());
    response
      .on('data', (part: Buffer) => {
        if (!body.take(part)) this.#abandon(this.#responded(response));
      })
      .on('end', () => {
        this.#outcome = this.#responded(response);
        // A partner may respond before it has read the request, and may never read the rest.
        if (this.#isClosed || !this.#request.writableFinished) this.#abandon(this.#outcome);
        // Node would reuse the connection, and ignores `destroy` of a request that has ended.
        else if (hasHiddenBody(response)) this.#connection.socket.destroy();
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
    if (this.#isClosed) return;
    // The deadline may have passed, if the event loop was blocked.
    const leftMs = Math.max(0, this.#options.deadlineMs - performance.now());
    clearTimeout(this.#deadline);
    this.#deadline = setTimeout(this.#expire, Math.min(leftMs, this.#options.bodyWaitMs));
  }

  /** Lets the event loop run once more, so that a response that arrived while it was blocked still counts. */
  readonly #expire = (): void => {
    setImmediate(() => this.#abandon(this.#outcome ?? this.#failed('TIMEOUT')));
  };

  /** Called when Node no longer uses the connection. It may be closed. */
  #close(): void {
    this.#isClosed = true;
    this.#options.pool.release(this.#connection);
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
    const isLost = code === 'ECONNRESET' || code === 'EPIPE';
    this.#abandon({ ...this.#failed(code), isStale: isLost && this.#connection.isReused && !this.#hasReceived });
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
      return { ...failure('MALFORMED_RESPONSE', this.#times), isStale: this.#connection.isReused };
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
    const { statusCode: status = 0 } = response;
    const responseStart = this.#body?.start(response);
    const result: SendResult = {
      kind: 'responded',
      status,
      ...((status < 200 || status >= 300) && refusalDetails(response, this.#body)),
      ...(responseStart !== undefined && { responseStart }),
      ...(responseFault !== undefined && { responseFault }),
      timings: this.#times.untilNow(),
    };
    return { result, isStale: false };
  }
}

/** The part of Node's agent that a request needs: it keeps connections, and has one for the request. */
function agentWith(addRequest: (request: http.ClientRequest) => void): http.Agent {
  return { keepAlive: true, addRequest } as unknown as http.Agent;
}

/** Names and values in turn: Node validates each of them, and writes them in this order. `Host` is first (RFC 9112, 3.2). */
function headersOf({ headers, body }: WebhookRequest, { hostHeader }: Target): string[] {
  const list = ['Host', hostHeader];
  for (const [name, value] of Object.entries(headers)) list.push(name, value);
  list.push('Content-Length', String(Buffer.byteLength(body)));
  return list;
}

function refusalDetails(response: http.IncomingMessage, body: ResponseBody | undefined) {
  // `headers` has only the first of several values.
  const retryAfter = response.headersDistinct['retry-after']?.join(', ');
  const contentType = response.headers['content-type'];
  const bodyBytes = body?.bytes ?? 0;
  return {
    ...(retryAfter !== undefined && { retryAfter }),
    ...(contentType !== undefined && { contentType }),
    ...(bodyBytes > 0 && { bodyBytes }),
  };
}

/**
 * Whether a body may follow that the parser does not read. After these statuses there must be none (RFC 9112, 6.3), even
 * if the headers announce one; it would be read as the response to the next request on the connection.
 */
function hasHiddenBody(response: http.IncomingMessage): boolean {
  const { statusCode: status = 0 } = response;
  // Only 101 reaches this: another protocol follows it.
  if (status < 200) return true;
  if (status !== 204 && status !== 304) return false;
  const { 'content-length': length = '0', 'transfer-encoding': encoding } = response.headers;
  return length !== '0' || encoding !== undefined;
}

function failure(code: string, times: ConnectionTimes): Exchanged {
  return { result: { kind: 'failed', code, timings: times.untilNow() }, isStale: false };
}
