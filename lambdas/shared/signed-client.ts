import { type ClientRequest, Agent as HttpAgent, request as httpRequest, type IncomingMessage } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { partition } from '@aws-sdk/core/client';
import { defaultProvider } from '@aws-sdk/credential-provider-node';
import {
  getRetryAfterHint,
  isClockSkewError,
  isServerError,
  isThrottlingError,
  isTransientError,
  StandardRetryStrategy,
} from '@smithy/core/retry';
import aws4 from 'aws4';
import type { Timeouts } from './aws-clients.ts';

/** A service with AWS's JSON protocol over HTTP. */
export interface JsonService {
  /** As the signature and the endpoint name it: `dynamodb`. */
  readonly name: string;
  /** Prefix of its operations in `X-Amz-Target`: `DynamoDB_20120810`. */
  readonly target: string;
  readonly contentType: 'application/x-amz-json-1.0' | 'application/x-amz-json-1.1';
  /** First delay before a repeated request, in milliseconds: the SDK's for this service. */
  readonly baseDelayMs: number;
}

/** DynamoDB, with its values in the SDK's own client. */
export const DYNAMODB: JsonService = {
  name: 'dynamodb',
  target: 'DynamoDB_20120810',
  contentType: 'application/x-amz-json-1.0',
  baseDelayMs: 25,
};

export interface Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
}

export interface SignedClientConfiguration extends Timeouts {
  readonly service: JsonService;
  readonly region: string;
  /** The service's own by default. */
  readonly endpoint?: string | undefined;
  /**
   * Called for every request. By default the SDK's chain: the environment in Lambda, otherwise a profile, a token file, or
   * the container's endpoint, refreshed five minutes before they expire.
   */
  readonly credentials?: () => Promise<Credentials>;
}

interface SignedCall {
  readonly operation: string;
  /** In the service's JSON. Undefined members are left out. */
  readonly input: object;
}

/** Largest clock skew that AWS tolerates for certain, in ms: the SDK corrects its clock from there on. */
const MAX_CLOCK_SKEW_MS = 240_000;

/** A service's endpoint in a region. */
export function endpointOf({ name }: JsonService, region: string): string {
  return `https://${name}.${region}.${partition(region).dnsSuffix}`;
}

/** An error of the service, or of a connection, as the SDK's classification of errors reads it. */
type CallError = Parameters<typeof isThrottlingError>[0];

/**
 * Makes calls without the SDK's client, whose middleware and serialization take 0.3 to 0.8 ms of CPU each (decision 0031). Signature,
 * credentials and the rules of retries are those of libraries; HTTP and JSON are Node's. Open it with `openClient`, which
 * bounds the whole call.
 */
export class SignedClient {
  readonly #configuration: SignedClientConfiguration;
  readonly #credentials: () => Promise<Credentials>;
  readonly #endpoint: URL;
  readonly #agent: HttpAgent;
  readonly #retries: StandardRetryStrategy;
  /** Added to this machine's clock. */
  #clockOffsetMs = 0;

  constructor(configuration: SignedClientConfiguration) {
    const { service, region, endpoint, maxAttempts, requestHandler, credentials } = configuration;
    this.#configuration = configuration;
    this.#credentials = credentials ?? defaultProvider();
    this.#endpoint = new URL(endpoint ?? endpointOf(service, region));
    const Agent = this.#endpoint.protocol === 'https:' ? HttpsAgent : HttpAgent;
    this.#agent = new Agent(requestHandler.httpsAgent);
    this.#retries = new StandardRetryStrategy({ maxAttempts, baseDelay: service.baseDelayMs });
  }

  /**
   * @returns the service's response
   * @throws an error with the service's name and message, or Node's error of the connection, or `TimeoutError`
   */
  async send({ operation, input }: SignedCall, options: { readonly abortSignal?: AbortSignal } = {}): Promise<unknown> {
    const body = JSON.stringify(input);
    let token = await this.#retries.acquireInitialRetryToken('');
    for (;;) {
      try {
        const output = await this.#request(operation, body, options.abortSignal);
        this.#retries.recordSuccess(token);
        return output;
      } catch (thrown) {
        const error = thrown as CallError;
        const retryAfterHint = getRetryAfterHint(error.$response);
        try {
          // It waits, and throws if the call must not be repeated.
          token = await this.#retries.refreshRetryTokenForRetry(token, {
            errorType: errorTypeOf(error),
            ...(retryAfterHint && { retryAfterHint }),
          });
        } catch {
          throw thrown;
        }
        options.abortSignal?.throwIfAborted();
      }
    }
  }

  destroy(): void {
    this.#agent.destroy();
  }

  async #request(operation: string, body: string, abortSignal?: AbortSignal): Promise<unknown> {
    const { service, region } = this.#configuration;
    const { host, pathname } = this.#endpoint;
    const credentials = await this.#credentials();
    // A call that has ended while it waited must not write any more.
    abortSignal?.throwIfAborted();
    const date = new Date(Date.now() + this.#clockOffsetMs).toISOString().replace(/[:-]|\.\d{3}/g, '');
    const { headers } = aws4.sign(
      {
        ...{ service: service.name, region, method: 'POST', host, path: pathname, body },
        headers: {
          'content-type': service.contentType,
          'x-amz-target': `${service.target}.${operation}`,
          'x-amz-date': date,
        },
      },
      credentials,
    );
    const { response, text } = await this.#exchange(headers ?? {}, body, abortSignal);
    if (response.statusCode === 200) return parsed(text);
    const error = serviceError(response, text);
    if (isClockSkewError(error) && this.#correctClock(response.headers.date)) {
      throw Object.assign(error, { $metadata: { ...error.$metadata, clockSkewCorrected: true } });
    }
    throw error;
  }

  /** @returns whether the clock was wrong, and a repeated request may succeed */
  #correctClock(serverTime: string | undefined): boolean {
    const offsetMs = Date.parse(serverTime ?? '') - Date.now();
    if (!(Math.abs(offsetMs - this.#clockOffsetMs) >= MAX_CLOCK_SKEW_MS)) return false;
    this.#clockOffsetMs = offsetMs;
    return true;
  }

  #exchange(headers: object, body: string, abortSignal?: AbortSignal): Promise<Exchange> {
    const { connectionTimeout, requestTimeout } = this.#configuration.requestHandler;
    const { protocol, hostname, port, pathname } = this.#endpoint;
    return new Promise((resolve, reject) => {
      const open = protocol === 'https:' ? httpsRequest : httpRequest;
      const request: ClientRequest = open(
        { hostname, port, path: pathname, method: 'POST', agent: this.#agent, headers: { ...headers } },
        (response) => {
          let text = '';
          response.setEncoding('utf8');
          response.on('data', (chunk: string) => {
            text += chunk;
            timer.refresh();
          });
          response.on('error', fail);
          response.on('end', () => {
            finish();
            resolve({ response, text });
          });
        },
      );
      const fail = (error: unknown) => {
        finish();
        request.destroy();
        reject(error);
      };
      const expire = (what: string, ms: number) =>
        setTimeout(() => fail(Object.assign(new Error(`no ${what} within ${ms} ms`), { name: 'TimeoutError' })), ms);
      let timer = expire('connection', connectionTimeout);
      const finish = () => {
        clearTimeout(timer);
        abortSignal?.removeEventListener('abort', abort);
      };
      const abort = () => fail(abortSignal?.reason);
      const onConnected = () => {
        clearTimeout(timer);
        timer = expire('response', requestTimeout);
      };
      abortSignal?.addEventListener('abort', abort);
      request.on('error', fail);
      request.on('socket', (socket) => {
        if (socket.connecting) socket.once(protocol === 'https:' ? 'secureConnect' : 'connect', onConnected);
        else onConnected();
      });
      request.end(body);
    });
  }
}

interface Exchange {
  readonly response: IncomingMessage;
  readonly text: string;
}

/** The error of a response, whose name is in `__type`, after its namespace (AWS JSON protocol, "Operation error serialization"). */
function serviceError({ statusCode = 0, headers }: IncomingMessage, text: string): CallError {
  const { __type, message, Message } = parsedError(text);
  const name = String(__type ?? headers['x-amzn-errortype'] ?? 'UnknownError').replace(/^.*#|:.*$/g, '');
  const error: Error = new Error(String(message ?? Message ?? `status ${statusCode}`));
  return Object.assign(error, {
    name,
    $fault: statusCode < 500 ? ('client' as const) : ('server' as const),
    $metadata: { httpStatusCode: statusCode },
    $response: { statusCode, headers: headers as Record<string, string> },
  }) as CallError;
}

function parsedError(text: string): { __type?: unknown; message?: unknown; Message?: unknown } {
  try {
    return Object(JSON.parse(text));
  } catch {
    return {};
  }
}

/** @throws Error without the text, which may contain a learner's data */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw Object.assign(new Error('the response is no JSON'), { name: 'ResponseUnreadable' });
  }
}

/** As the SDK's retry middleware decides it. */
function errorTypeOf(error: CallError): 'THROTTLING' | 'TRANSIENT' | 'SERVER_ERROR' | 'CLIENT_ERROR' {
  if (isThrottlingError(error)) return 'THROTTLING';
  if (isTransientError(error)) return 'TRANSIENT';
  return isServerError(error) ? 'SERVER_ERROR' : 'CLIENT_ERROR';
}
