/** Timeouts and limits of one client of an AWS service. */
export interface ClientWaits {
  /** Requests per call, including the first. A second request gets a new socket if the first one's was dead. */
  readonly maxAttempts: number;
  /** Per request: until it has a connected socket, including the wait for a free one. Milliseconds. */
  readonly connectMs: number;
  /** Per request: until the response's headers, and then between two chunks of its body. Milliseconds. */
  readonly responseMs: number;
  /** Per call: all requests, the delays between them (which a service may extend by 5 s), and the body. Milliseconds. */
  readonly callMs: number;
  /** Maximum number of open connections. */
  readonly maxSockets: number;
}

/**
 * The clients of the functions and the commands. All calls that a function can make one after the other in an invocation
 * must fit its timeout: test/infra/stage.test.ts adds them up.
 */
export const CLIENT_WAITS = {
  /** Secrets and configuration. Readers with a cached value use shorter timeouts. */
  settings: { maxAttempts: 3, connectMs: 1_000, responseMs: 1_400, callMs: 3_000, maxSockets: 50 },
  /** SendMessageBatch and StartExecution, for messages that SQS redelivers after a failure. */
  messages: { maxAttempts: 3, connectMs: 1_000, responseMs: 1_200, callMs: 2_500, maxSockets: 100 },
  /** The ledger. Deliveries continue without it. A batch reads all its deliveries in parallel. */
  ledger: { maxAttempts: 2, connectMs: 500, responseMs: 1_000, callMs: 2_000, maxSockets: 100 },
  /** The outcomes queue, used after the ledger's deadline has passed. */
  outcomes: { maxAttempts: 2, connectMs: 400, responseMs: 700, callMs: 1_000, maxSockets: 100 },
  /** PutEvents, after the ledger's write: an event that is late or lost affects no delivery. */
  notices: { maxAttempts: 2, connectMs: 400, responseMs: 700, callMs: 1_000, maxSockets: 10 },
  /** CloudWatch, in an HTTP request. */
  metrics: { maxAttempts: 2, connectMs: 1_000, responseMs: 4_000, callMs: 5_000, maxSockets: 50 },
  /** Scheduled functions that read many pages: a page may take seconds, and a failed page fails the run. */
  schedule: { maxAttempts: 3, connectMs: 1_000, responseMs: 5_000, callMs: 15_000, maxSockets: 50 },
  /** Commands, which may run over a slow connection. */
  command: { maxAttempts: 3, connectMs: 5_000, responseMs: 20_000, callMs: 60_000, maxSockets: 50 },
  /** A function that a command invokes and that ends within a minute. A second request would be a second test event. */
  invocation: { maxAttempts: 1, connectMs: 5_000, responseMs: 90_000, callMs: 95_000, maxSockets: 50 },
} as const satisfies Readonly<Record<string, ClientWaits>>;

/**
 * Deadlines of the functions for their own infrastructure, in milliseconds. Stage, integration and event bound attempts at
 * a partner and queries of the warehouse.
 */
export const IO_DEADLINES = {
  clients: CLIENT_WAITS,
  valkey: {
    /** Commands that are sent together, or one script. */
    commandMs: 200,
    /** Additional wait of an environment's first call, for the connection. */
    firstConnectionMs: 500,
    /** Additional wait of later calls, if the connection is closed or was idle. */
    reconnectionMs: 200,
    /** Time limit of a connection attempt in the background. */
    connectMs: 2_000,
  },
  /** The same for a warm run, for which no event waits: a pipeline that is late must not end it. */
  warming: { commandMs: 5_000, firstConnectionMs: 2_000, reconnectionMs: 2_000, connectMs: 2_000 },
  configuration: {
    /** A poll while a cached version can be served: session start and get together. */
    pollTimeoutMs: 500,
    /** A poll while there is none: a cold TLS handshake must not decide that a flag is off. */
    firstPollTimeoutMs: 3_000,
  },
  /** One fetch, including the client's retries: a cold TLS handshake and one retry fit. */
  secret: { timeoutMs: 3_000 },
  /** One read of CloudWatch metrics: all its calls and pages. */
  metrics: { readTimeoutMs: 5_000 },
  /** The search for an integration's latest failures. */
  failureSearch: { searchTimeoutMs: 3_000 },
  /** The count of timers: a million scheduled events are 19 pages per partition, read one after the other. */
  timerCount: { timeoutMs: 5_000 },
  /** A partner's response body, after the headers. A body that was read completely leaves its connection reusable. */
  sender: { bodyWaitMs: 2_000 },
} as const;

type Scaled<T> = { readonly [K in keyof T]: T[K] extends number ? number : Scaled<T[K]> };
export type IoDeadlines = Scaled<typeof IO_DEADLINES>;

/** The deadlines of a stage. @param factor its `IO_DEADLINE_FACTOR` */
export function ioDeadlines(factor: number): IoDeadlines {
  return scaled(IO_DEADLINES, factor);
}

/** Scales the values whose name ends in `Ms`; counts such as `maxAttempts` stay. */
function scaled<T extends object>(deadlines: T, factor: number): Scaled<T> {
  const entries = Object.entries(deadlines).map(([name, value]: [string, unknown]) => {
    if (typeof value === 'number') return [name, name.endsWith('Ms') ? factor * value : value];
    return [name, scaled(value as object, factor)];
  });
  return Object.fromEntries(entries) as Scaled<T>;
}
