import type { ClientWaits } from './io-deadlines.ts';

/** The part of a client's configuration that is set here, with the SDK's names. Milliseconds. */
export interface Timeouts {
  readonly maxAttempts: number;
  readonly requestHandler: {
    readonly connectionTimeout: number;
    readonly requestTimeout: number;
    readonly throwOnRequestTimeout: true;
    readonly socketTimeout: number;
    readonly httpAgent: { readonly keepAlive: boolean; readonly maxSockets: number };
    readonly httpsAgent: { readonly keepAlive: boolean; readonly maxSockets: number };
  };
}

interface CallOptions {
  readonly abortSignal?: AbortSignal;
  /** Replaces the client's `responseMs` and `callMs`. */
  readonly requestTimeout?: number;
}

type Send = (command: unknown, options?: CallOptions) => Promise<unknown>;

/**
 * Creates a client whose calls all have a deadline. The SDK has none: without `throwOnRequestTimeout` it only logs a
 * warning, `requestTimeout` covers the time until the headers, and nothing bounds all attempts together.
 *
 * @param Client a client of the SDK, or `SignedClient`
 * @param where endpoint, region and credentials, if the environment does not have them
 * @returns a client whose calls settle within `callMs`, or reject with `TimeoutError`
 */
export function openClient<C extends object, O extends object>(
  Client: new (configuration: O & Timeouts) => C,
  { maxAttempts, connectMs, responseMs, callMs, maxSockets }: ClientWaits,
  where: NoInfer<Partial<O>> = {},
): C {
  const agent = { keepAlive: true, maxSockets };
  const requestHandler = {
    connectionTimeout: connectMs,
    requestTimeout: responseMs,
    throwOnRequestTimeout: true as const,
    socketTimeout: responseMs,
    httpAgent: agent,
    httpsAgent: agent,
  };
  const client = new Client({ ...where, maxAttempts, requestHandler } as O & Timeouts) as C & { send: Send };
  const send = client.send.bind(client);
  client.send = (command, options = {}) => within(options.requestTimeout ?? callMs, send, command, options);
  return client;
}

/** Rejects at the limit and aborts the call, without waiting for it: a call that has no request yet ignores the signal. */
async function within(limitMs: number, send: Send, command: unknown, options: CallOptions): Promise<unknown> {
  const controller = new AbortController();
  const over = Promise.withResolvers<never>();
  const end = (reason: unknown) => {
    over.reject(reason);
    controller.abort(reason);
  };
  const late = () => end(Object.assign(new Error(`no response within ${limitMs} ms`), { name: 'TimeoutError' }));
  // Let the event loop run once more, so that a response that arrived while it was blocked still counts.
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
