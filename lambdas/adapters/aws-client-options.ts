/**
 * How every AWS client of a function waits. The SDK's own defaults never time out; here three tries of a call that
 * hangs end within 20 s, inside each function's timeout. Milliseconds.
 */
export const AWS_CLIENT_OPTIONS = {
  maxAttempts: 3,
  requestHandler: { connectionTimeout: 1_000, requestTimeout: 5_000 },
} as const;
