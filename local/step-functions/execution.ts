/** Statuses of an execution. */
export const EXECUTION_STATUSES = ['RUNNING', 'SUCCEEDED', 'FAILED', 'TIMED_OUT', 'ABORTED'] as const;
export type ExecutionStatus = (typeof EXECUTION_STATUSES)[number];

/** One event of an execution's history: `StateEntered`, `StateExited`, `StateFailed`, `StateRetried` or `StateCaught`. */
export interface HistoryEntry {
  readonly type: string;
  readonly state: string;
  /** `progress` of the state's input; undefined if it has none. Payloads are not stored. */
  readonly progress?: unknown;
  /** Of a failed state. */
  readonly error?: string;
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
  readonly state?: { readonly name: string; readonly input: unknown };
  readonly Error?: string;
}

/** The history entry of an engine event; undefined for events of the whole execution. */
export function historyEntry(event: EngineEvent): HistoryEntry | undefined {
  if (event.state === undefined || !event.type.startsWith('State')) return undefined;
  const progress = (event.state.input as { progress?: unknown } | null)?.progress;
  return {
    type: event.type,
    state: event.state.name,
    ...(progress !== undefined && { progress }),
    ...(event.Error !== undefined && { error: event.Error }),
  };
}
