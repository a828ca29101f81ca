/** What the function pool and the runtime in a function's process say to each other over IPC. Payloads are JSON text. */
export interface Invocation {
  readonly payload: string;
  readonly requestId: string;
  readonly functionName: string;
  readonly functionArn: string;
  readonly memoryLimitInMB: string;
  readonly logGroupName: string;
  readonly logStreamName: string;
  /** When the platform kills the process, in epoch milliseconds. */
  readonly deadlineMs: number;
  /** How far the function's `Date` is ahead of the real clock, in milliseconds. */
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
  /** `exiting`: the process ends by itself after this and takes nothing more. */
  | { readonly type: 'error'; readonly error: FunctionError; readonly exiting?: true };
