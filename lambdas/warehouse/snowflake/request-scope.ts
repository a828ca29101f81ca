import { AsyncLocalStorage } from 'node:async_hooks';
import { subscribe } from 'node:diagnostics_channel';
import type { ClientRequest } from 'node:http';

/** Tracks the HTTP requests of a library, so that they can be ended although the library has no API for that. */
export interface RequestScope {
  /** Runs `work`; every request it starts, now or later, belongs to this scope. */
  run<T>(work: () => T): T;
  /** Ends the requests in flight, and all later ones as soon as they are created. Never throws. */
  end(): void;
}

/** Called with the reason if no response can be expected. */
type OnHopeless = (code: 'network' | 'too_large', reason: string) => void;

interface OpenRequests {
  ended: boolean;
  failuresInARow: number;
  readonly onHopeless: OnHopeless;
  readonly mostResponseBytes: number;
  readonly requests: Set<ClientRequest>;
}

const scopes = new AsyncLocalStorage<OpenRequests>();
let watching = false;

/**
 * The scope is hopeless after this number of failed requests in a row. The first may have used a keep-alive socket that the
 * server had closed; the second used a new one.
 */
const REPEATED = 2;

/**
 * Largest response by default, in bytes on the wire. A batch of 100 learners has less than 100 KB, and the grants of a role, which
 * `./ltw check-warehouse` lists, 1 to 2 MB. The SDK buffers a response in memory.
 */
const MAX_RESPONSE_BYTES = 4 * 1024 * 1024;

/** Interval of the size check, in milliseconds. */
const SIZE_CHECK_MS = 50;

/**
 * @param onHopeless called when requests fail (no response, or a 5xx) twice in a row, again for each further failure in the
 *   row, and when a response is too large
 * @param mostResponseBytes largest response, in bytes on the wire
 */
export function createRequestScope(
  onHopeless: OnHopeless = () => {},
  mostResponseBytes = MAX_RESPONSE_BYTES,
): RequestScope {
  watchRequests();
  const open: OpenRequests = { ended: false, failuresInARow: 0, onHopeless, mostResponseBytes, requests: new Set() };
  return {
    run: (work) => scopes.run(open, work),
    end() {
      open.ended = true;
      for (const request of open.requests) request.destroy(endedError());
    },
  };
}

function watchRequests(): void {
  if (watching) return;
  watching = true;
  // node:http publishes this for every request, since Node 22.12.
  subscribe('http.client.request.created', (message) => {
    const { request } = message as { request: ClientRequest };
    const open = scopes.getStore();
    if (open === undefined) return;
    if (open.ended) {
      request.destroy(endedError());
      return;
    }
    open.requests.add(request);
    limitResponse(request, open);
    request.once('close', () => open.requests.delete(request));
    request.once('error', () => countFailure(open));
    request.once('response', ({ statusCode = 0 }) => {
      if (statusCode >= 500) countFailure(open);
      else open.failuresInARow = 0;
    });
  });
}

/** Ends a request whose response becomes too large. */
function limitResponse(request: ClientRequest, open: OpenRequests): void {
  request.once('socket', (socket) => {
    const before = socket.bytesRead;
    const timer = setInterval(() => {
      if (socket.bytesRead - before <= open.mostResponseBytes) return;
      clearInterval(timer);
      open.onHopeless('too_large', `a response has more than ${open.mostResponseBytes / 1024 / 1024} MiB`);
      request.destroy(endedError());
    }, SIZE_CHECK_MS);
    timer.unref();
    request.once('close', () => clearInterval(timer));
  });
}

function countFailure(open: OpenRequests): void {
  if (open.ended) return;
  open.failuresInARow += 1;
  if (open.failuresInARow >= REPEATED) open.onHopeless('network', 'two requests in a row failed');
}

/** `snowflake-sdk` 3.3 does not repeat a request that failed with this code (`http/axios_instance.js`). */
function endedError(): Error {
  return Object.assign(new Error('request ended: its scope is over'), { code: 'ERR_CANCELED' });
}
