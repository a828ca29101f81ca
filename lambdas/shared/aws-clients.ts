import type { ClientWaits } from './io-deadlines.ts';

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

/** Ends a call by aborting it, and does not wait for that: a call that is stuck before its request ignores the signal. */
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
