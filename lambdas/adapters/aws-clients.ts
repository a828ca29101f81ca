/** How long one client of an AWS service waits. Milliseconds. */
export interface ClientWaits {
  /** Requests of one call, the first one included. A second one finds a new socket where the first met a dead one. */
  readonly maxAttempts: number;
  /** Of one request: until it has a socket that is connected, the wait for a free one included. */
  readonly connectMs: number;
  /** Of one request: until the response's headers, and then between any two pieces of its body. */
  readonly responseMs: number;
  /** Of one call: all its requests, the pauses between them (which a service may prolong by 5 s), and the body. */
  readonly callMs: number;
  /** Connections at a time. */
  readonly maxSockets: number;
}

/**
 * Every client of the functions and the commands. What a function may wait for in one invocation, one call after the
 * other, must be shorter than its timeout: test/infra/stage.test.ts adds it up.
 */
export const CLIENT_WAITS = {
  /** Secrets and configuration. Readers that have an older value to serve wait for less. */
  settings: { maxAttempts: 3, connectMs: 1_000, responseMs: 1_400, callMs: 3_000, maxSockets: 50 },
  /** Sends to a queue and starts of a workflow, for messages that come back where they fail. */
  messages: { maxAttempts: 3, connectMs: 1_000, responseMs: 1_200, callMs: 2_500, maxSockets: 100 },
  /** The ledger, without which a delivery goes on. A batch asks for all its deliveries in parallel. */
  ledger: { maxAttempts: 2, connectMs: 500, responseMs: 1_000, callMs: 2_000, maxSockets: 100 },
  /** The outcomes queue, where the ledger hangs: a delivery has waited for that already. */
  outcomes: { maxAttempts: 2, connectMs: 400, responseMs: 700, callMs: 1_000, maxSockets: 100 },
  /** CloudWatch, while an HTTP client waits. */
  metrics: { maxAttempts: 2, connectMs: 1_000, responseMs: 4_000, callMs: 5_000, maxSockets: 50 },
  /** What runs by a schedule and reads page after page: a page may take seconds, and a failed one costs the whole run. */
  schedule: { maxAttempts: 3, connectMs: 1_000, responseMs: 5_000, callMs: 15_000, maxSockets: 50 },
  /** An operator's command, over whatever connection. */
  command: { maxAttempts: 3, connectMs: 5_000, responseMs: 20_000, callMs: 60_000, maxSockets: 50 },
  /** A function that a command waits for: it ends within a minute. A second request would be a second test event. */
  invocation: { maxAttempts: 1, connectMs: 5_000, responseMs: 90_000, callMs: 95_000, maxSockets: 50 },
} as const satisfies Readonly<Record<string, ClientWaits>>;

/** The part of the clients' configuration that is set here. */
interface Waiting {
  readonly maxAttempts: number;
  readonly requestHandler: object;
}

interface CallOptions {
  readonly abortSignal?: AbortSignal;
  /** In place of the client's `responseMs` and `callMs`. */
  readonly requestTimeout?: number;
}

type Send = (command: unknown, options?: CallOptions) => Promise<unknown>;

/**
 * Opens a client whose every call ends in time. The SDK alone never gives up: without `throwOnRequestTimeout` it only logs
 * a warning, `requestTimeout` ends with the headers, and nothing bounds all attempts together.
 *
 * @param Client a client of the SDK
 * @param where endpoint, region and credentials, unless the environment has them
 * @returns a client whose calls reject within `callMs`: with `TimeoutError`, unless the service failed otherwise before
 */
export function openClient<C extends object, O extends object>(
  Client: new (configuration: O & Waiting) => C,
  { maxAttempts, connectMs, responseMs, callMs, maxSockets }: ClientWaits,
  where: NoInfer<Partial<O>> = {},
): C {
  const agent = { keepAlive: true, maxSockets };
  const requestHandler = {
    connectionTimeout: connectMs,
    requestTimeout: responseMs,
    throwOnRequestTimeout: true,
    socketTimeout: responseMs,
    httpAgent: agent,
    httpsAgent: agent,
  };
  const client = new Client({ ...where, maxAttempts, requestHandler } as O & Waiting) as C & { send: Send };
  const send = client.send.bind(client);
  client.send = (command, options = {}) => within(options.requestTimeout ?? callMs, send, command, options);
  return client;
}

/** Ends a call by aborting it, and does not wait for that: what is stuck before its request hears no signal. */
async function within(limitMs: number, send: Send, command: unknown, options: CallOptions): Promise<unknown> {
  const controller = new AbortController();
  const over = Promise.withResolvers<never>();
  const end = (reason: unknown) => {
    over.reject(reason);
    controller.abort(reason);
  };
  const late = () => end(Object.assign(new Error(`no response within ${limitMs} ms`), { name: 'TimeoutError' }));
  // Once more around the event loop, so that a response which came while it stood still counts.
  const timer = setTimeout(() => setImmediate(late), limitMs);
  const { abortSignal } = options;
  const onAbort = () => end(abortSignal?.reason);
  abortSignal?.addEventListener('abort', onAbort);
  if (abortSignal?.aborted) onAbort();
  try {
    return await Promise.race([over.promise, send(command, { ...options, abortSignal: controller.signal })]);
  } finally {
    clearTimeout(timer);
    abortSignal?.removeEventListener('abort', onAbort);
  }
}
