/// <reference lib="dom" />
import type { InputOf, ProgressOf, ResultOf } from '../commands/console/operation.ts';
import type { Operations } from '../commands/console/operations.ts';

/** An operation that failed. The message is for the operator. */
export class CallFailed extends Error {
  override readonly name = 'CallFailed';
}

export interface CallOptions<P> {
  /** Stops the operation. */
  readonly signal?: AbortSignal;
  /** Called with each interim result. */
  onProgress?(progress: P): void;
}

/** Calls an operation of the server. @throws CallFailed; the signal's reason */
export type Call = <N extends keyof Operations>(
  name: N,
  input: InputOf<Operations[N]>,
  options?: CallOptions<ProgressOf<Operations[N]>>,
) => Promise<ResultOf<Operations[N]>>;

/** An operation without a result sends an empty document. */
type Line = { readonly progress: unknown } | { readonly result?: unknown } | { readonly error: string };

/** @param token see `takeToken` */
export function createCall(token: string): Call {
  return async (name, input, { signal, onProgress } = {}) => {
    const response = await fetch(`/api/${name}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
      body: JSON.stringify(input),
      ...(signal !== undefined && { signal }),
    }).catch((thrown: unknown) => {
      if (signal?.aborted) throw thrown;
      throw new CallFailed('the console does not respond: was it ended in its terminal?');
    });
    if (!response.ok) {
      const body = (await response.json().catch(() => ({}))) as { error?: string };
      throw new CallFailed(body.error ?? `the console responds ${response.status}`);
    }
    try {
      for await (const line of linesOf(response)) {
        const message = JSON.parse(line) as Line;
        if ('error' in message) throw new CallFailed(message.error);
        if ('progress' in message) onProgress?.(message.progress as never);
        else return message.result as never;
      }
    } catch (thrown) {
      // The connection is closed, or what arrived is not of the console.
      if (signal?.aborted || thrown instanceof CallFailed) throw thrown;
    }
    throw new CallFailed('the console ended before its result');
  };
}

/** The complete lines of a body. */
async function* linesOf({ body }: Response): AsyncGenerator<string> {
  if (body === null) return;
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = '';
  try {
    for (;;) {
      const { value, done } = await reader.read();
      if (done) break;
      // A long line arrives in many parts: only the new part is searched.
      const lines = value.split('\n');
      lines[0] = rest + lines[0];
      rest = lines.pop() ?? '';
      yield* lines;
    }
  } finally {
    await reader.cancel().catch(() => undefined);
  }
}
