/**
 * How the functions' ledger client waits, in milliseconds. A table that hangs costs a call about two seconds: two tries of
 * one second each; the delivery then goes on without. Without `throwOnRequestTimeout` the SDK would only warn, and wait on
 * for good. `requestTimeout` covers a try until its answer's headers, `socketTimeout` what follows them, and
 * `connectionTimeout` also the wait for a free socket: a batch asks for all its webhooks side by side.
 */
export const LEDGER_CLIENT_OPTIONS = {
  maxAttempts: 2,
  requestHandler: {
    connectionTimeout: 500,
    requestTimeout: 1_000,
    throwOnRequestTimeout: true,
    socketTimeout: 1_000,
    httpAgent: { keepAlive: true, maxSockets: 100 },
    httpsAgent: { keepAlive: true, maxSockets: 100 },
  },
} as const;
