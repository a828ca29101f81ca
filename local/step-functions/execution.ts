/** Statuses of an execution. */
export const EXECUTION_STATUSES = ['RUNNING', 'SUCCEEDED', 'FAILED', 'TIMED_OUT', 'ABORTED'] as const;
export type ExecutionStatus = (typeof EXECUTION_STATUSES)[number];

/** One event of an execution's history. */
export interface HistoryEntry {
  readonly type: 'StateEntered' | 'StateExited' | 'StateFailed' | 'StateRetried' | 'StateCaught';
  readonly state: string;
  /** Epoch milliseconds of the platform's clock. The wait before a retry follows its `StateRetried`. */
  readonly at: number;
  /** `progress` of the state's input; undefined if it has none. Payloads are not stored. */
  readonly progress?: unknown;
  /** Error and cause of a failed state. */
  readonly error?: string;
  readonly cause?: string;
  /** Number of the retry, from 1. */
  readonly attempt?: number;
}

/** The current state of an execution. */
export interface Execution {
  readonly name: string;
  readonly arn: string;
  readonly status: ExecutionStatus;
  /** Input of `StartExecution`, JSON text. */
  readonly input: string;
  /** JSON text, for succeeded executions only. */
  readonly output?: string;
  readonly error?: string;
  readonly cause?: string;
  /** Epoch milliseconds. */
  readonly startedAt: number;
  readonly stoppedAt?: number;
  readonly history: readonly HistoryEntry[];
}

/** The used part of an engine event, whose type differs for each kind. */
export interface EngineEvent {
  readonly type: string;
  readonly timestamp: number;
  readonly state?: { readonly name: string; readonly input: unknown };
  readonly Error?: string;
  readonly Cause?: unknown;
  readonly retry?: { readonly attempt: number };
}

/** The history entry of an engine event; undefined for events of the whole execution. */
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
