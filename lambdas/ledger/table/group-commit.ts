import { MAX_BATCH_WRITES } from './batch-calls.ts';

/** Makes the writes in one call. Never throws. @returns the result of each write, in order */
type WriteTogether<Write, Result> = (writes: readonly Write[]) => Promise<readonly Result[]>;

/**
 * Batches the writes of one turn of the event loop, at most 25, into one call: the claims of a batch of messages start in
 * one turn, and responses of partners that arrived at the same time are read in one. A batch does not wait for calls in
 * progress.
 *
 * @returns a function that resolves with the result of its own write
 */
export function createGroupCommit<Write, Result>(
  writeTogether: WriteTogether<Write, Result>,
): (write: Write) => Promise<Result> {
  let waiting: { readonly write: Write; resolve(result: Result): void }[] = [];
  let timer: NodeJS.Immediate | undefined;

  async function flush(): Promise<void> {
    clearImmediate(timer);
    timer = undefined;
    const group = waiting;
    waiting = [];
    const results = await writeTogether(group.map(({ write }) => write));
    for (const [index, { resolve }] of group.entries()) resolve(results[index] as Result);
  }

  return (write) =>
    new Promise((resolve) => {
      waiting.push({ write, resolve });
      if (waiting.length === MAX_BATCH_WRITES) void flush();
      else timer ??= setImmediate(() => void flush());
    });
}
