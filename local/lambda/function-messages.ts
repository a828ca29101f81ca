/** IPC messages between the function pool and the runtime in a function's process. Payloads are JSON text. */
export interface Invocation {
  readonly payload: string;
  readonly requestId: string;
  readonly functionName: string;
  readonly functionArn: string;
  readonly memoryLimitInMB: string;
  readonly logGroupName: string;
  readonly logStreamName: string;
  /** Time at which the platform kills the process, in epoch milliseconds. */
  readonly deadlineMs: number;
  /** Offset of the function's `Date` to the real clock, in milliseconds. */
  readonly clockOffsetMs: number;
}

/** An error as Lambda reports it: `errorType` is the thrown error's `name`. */
export interface FunctionError {
  readonly errorType: string;
  readonly errorMessage: string;
  readonly trace?: readonly string[];
}

export type RuntimeMessage =
  | { readonly type: 'ready' }
  | { readonly type: 'result'; readonly payload: string }
  /** `exiting`: the process ends after this and accepts nothing more. */
  | { readonly type: 'error'; readonly error: FunctionError; readonly exiting?: true };
