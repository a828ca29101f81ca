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

/**
 * How long the functions wait for what the pipeline itself runs on, in milliseconds. What a stage, an integration or an
 * event bounds has its limit elsewhere: an attempt at a partner, a query of the warehouse.
 */
export const IO_DEADLINES = {
  clients: CLIENT_WAITS,
  valkey: {
    /** Commands that are sent together, or one script. */
    commandMs: 200,
    /** What the first call of an environment waits for a connection, besides. */
    firstConnectionMs: 500,
    /** What later calls wait for a fresh connection, after a closed or idle one. */
    reconnectionMs: 200,
    /** How long connecting goes on in the background. */
    connectMs: 2_000,
  },
  configuration: {
    /** Longest a read waits for AppConfig while it has something to serve, over session start and get together. */
    pollTimeoutMs: 500,
    /** Longest a read waits while it has nothing to serve: a cold TLS handshake must not decide that a flag is off. */
    firstPollTimeoutMs: 3_000,
  },
  /** Longest fetch, the client's own retries included: a cold TLS handshake and one retry fit. */
  secret: { timeoutMs: 3_000 },
  /** Longest reading of CloudWatch, all calls and pages of it. */
  metrics: { readTimeoutMs: 5_000 },
  /** Longest search for an integration's latest failures. */
  failureSearch: { searchTimeoutMs: 3_000 },
  /** Longest count of timers: a million that wait are 19 pages of each partition, one after the other. */
  timerCount: { timeoutMs: 5_000 },
  /** The longest wait for a partner's response body: long enough for a slow page, which is then read so that its connection can be kept. */
  sender: { bodyWaitMs: 2_000 },
} as const;

type Scaled<T> = { readonly [K in keyof T]: T[K] extends number ? number : Scaled<T[K]> };
export type IoDeadlines = Scaled<typeof IO_DEADLINES>;

/** The deadlines of a stage. @param factor its `IO_DEADLINE_FACTOR` */
export function ioDeadlines(factor: number): IoDeadlines {
  return scaled(IO_DEADLINES, factor);
}

/** Counts beside the deadlines, such as `maxAttempts`, stay. */
function scaled<T extends object>(deadlines: T, factor: number): Scaled<T> {
  const entries = Object.entries(deadlines).map(([name, value]: [string, unknown]) => {
    if (typeof value === 'number') return [name, name.endsWith('Ms') ? factor * value : value];
    return [name, scaled(value as object, factor)];
  });
  return Object.fromEntries(entries) as Scaled<T>;
}
