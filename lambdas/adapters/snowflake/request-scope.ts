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

interface OpenRequests {
  ended: boolean;
  failuresInARow: number;
  readonly onRepeatedFailure: () => void;
  readonly requests: Set<ClientRequest>;
}

const scopes = new AsyncLocalStorage<OpenRequests>();
let watching = false;

/**
 * Requests that fail in a row before `onRepeatedFailure` is told. The first may be a kept socket that the other side had
 * closed; the second was made on a fresh one.
 */
const REPEATED = 2;

/** @param onRepeatedFailure called when requests fail (no answer, or a 5xx) twice in a row and again from then on */
export function createRequestScope(onRepeatedFailure: () => void = () => {}): RequestScope {
  watchRequests();
  const open: OpenRequests = { ended: false, failuresInARow: 0, onRepeatedFailure, requests: new Set() };
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
    request.once('close', () => open.requests.delete(request));
    request.once('error', () => countFailure(open));
    request.once('response', ({ statusCode = 0 }) => {
      if (statusCode >= 500) countFailure(open);
      else open.failuresInARow = 0;
    });
  });
}

function countFailure(open: OpenRequests): void {
  if (open.ended) return;
  open.failuresInARow += 1;
  if (open.failuresInARow >= REPEATED) open.onRepeatedFailure();
}

/** The one code for which `snowflake-sdk` 3.3 does not repeat a request (`http/axios_instance.js`). */
function endedError(): Error {
  return Object.assign(new Error('request ended: its scope is over'), { code: 'ERR_CANCELED' });
}
