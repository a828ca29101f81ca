import { AsyncLocalStorage } from 'node:async_hooks';
import { subscribe } from 'node:diagnostics_channel';
import type { ClientRequest } from 'node:http';

/** The HTTP requests that a library makes for us, so that all of them can be ended although it offers no way to. */
export interface RequestScope {
  /** Runs `work`; every request it starts, now or later, belongs to this scope. */
  run<T>(work: () => T): T;
  /** Ends the requests in flight, and from now on each new one as soon as it is made. Never throws. */
  end(): void;
}

/** Called with the reason why no response is to be expected. */
type OnHopeless = (code: 'network' | 'too_large', reason: string) => void;

interface OpenRequests {
  ended: boolean;
  failuresInARow: number;
  readonly onHopeless: OnHopeless;
  readonly requests: Set<ClientRequest>;
}

const scopes = new AsyncLocalStorage<OpenRequests>();
let watching = false;

/**
 * Requests that fail in a row before the scope is hopeless. The first may be a kept socket that the other side had
 * closed; the second was made on a fresh one.
 */
const REPEATED = 2;

/**
 * Largest response, in bytes as they come over the wire. For the largest batch, 100 learners, it has less than 100 KB; for
 * a role's grants, which `./ltw check-warehouse` lists, one or two megabytes. A hundred times that is the memory of a
 * function.
 */
const MAX_RESPONSE_BYTES = 4 * 1024 * 1024;

/** Between two checks of its size, in milliseconds. */
const SIZE_CHECK_MS = 50;

/**
 * @param onHopeless called when requests fail (no response, or a 5xx) twice in a row, and again from then on; and when a
 *   response is too large
 */
export function createRequestScope(onHopeless: OnHopeless = () => {}): RequestScope {
  watchRequests();
  const open: OpenRequests = { ended: false, failuresInARow: 0, onHopeless, requests: new Set() };
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
  // Published by node:http for every request it makes, since Node 22.12.
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

/** Ends a request whose response grows too large: the library holds all of it in memory. */
function limitResponse(request: ClientRequest, open: OpenRequests): void {
  request.once('socket', (socket) => {
    const before = socket.bytesRead;
    const timer = setInterval(() => {
      if (socket.bytesRead - before <= MAX_RESPONSE_BYTES) return;
      clearInterval(timer);
      open.onHopeless('too_large', 'an answer has more than 4 MiB');
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

/** The one code for which `snowflake-sdk` 3.3 does not repeat a request (`http/axios_instance.js`). */
function endedError(): Error {
  return Object.assign(new Error('request ended: its scope is over'), { code: 'ERR_CANCELED' });
}
