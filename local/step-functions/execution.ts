/** The states of an execution, as Step Functions names them. */
export const EXECUTION_STATUSES = ['RUNNING', 'SUCCEEDED', 'FAILED', 'TIMED_OUT', 'ABORTED'] as const;
export type ExecutionStatus = (typeof EXECUTION_STATUSES)[number];

/** One thing that happened in an execution. */
export interface HistoryEntry {
  readonly type: 'StateEntered' | 'StateExited' | 'StateFailed' | 'StateRetried' | 'StateCaught';
  readonly state: string;
  /** Epoch milliseconds of the platform's clock. The wait before a retry follows its `StateRetried`. */
  readonly at: number;
  /** `progress` of the state's input; undefined where it has none. Payloads are not kept. */
  readonly progress?: unknown;
  /** Error and cause of a failed state. */
  readonly error?: string;
  readonly cause?: string;
  /** Of a retried state: which try comes now, from 1 for the first retry. */
  readonly attempt?: number;
}

/** An execution as it stands now. */
export interface Execution {
  readonly name: string;
  readonly arn: string;
  readonly status: ExecutionStatus;
  /** JSON text, as given to `StartExecution`. */
  readonly input: string;
  /** JSON text; of a succeeded execution only. */
  readonly output?: string;
  readonly error?: string;
  readonly cause?: string;
  /** Epoch milliseconds. */
  readonly startedAt: number;
  readonly stoppedAt?: number;
  readonly history: readonly HistoryEntry[];
}

/** What an engine event holds of interest; the engine's own type differs for each kind of event. */
export interface EngineEvent {
  readonly type: string;
  readonly timestamp: number;
  readonly state?: { readonly name: string; readonly input: unknown };
  readonly Error?: string;
  readonly Cause?: unknown;
  readonly retry?: { readonly attempt: number };
}

/** The history entry of an engine event; undefined for those of the execution as a whole. */
export function historyEntry(event: EngineEvent): HistoryEntry | undefined {
  if (event.state === undefined || !event.type.startsWith('State')) return undefined;
  const progress = (event.state.input as { progress?: unknown } | null)?.progress;
  return {
    type: event.type as HistoryEntry['type'],
    state: event.state.name,
    at: event.timestamp,
    ...(progress !== undefined && { progress }),
    ...(event.Error !== undefined && { error: event.Error }),
    ...(event.Cause !== undefined && { cause: String(event.Cause) }),
    ...(event.retry !== undefined && { attempt: event.retry.attempt }),
  };
}
