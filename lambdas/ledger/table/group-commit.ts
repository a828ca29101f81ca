import type { WriteRequest } from '@aws-sdk/client-dynamodb';
import type { LedgerUnavailable } from '../../shared/errors.ts';
import { MAX_BATCH_WRITES } from './batch-calls.ts';

/** How long a write waits for others to be batched with, in milliseconds. */
const WINDOW_MS = 1;

/** Makes the writes in one call. @returns the failure of each write, in order */
type WriteTogether = (writes: readonly WriteRequest[]) => Promise<readonly (LedgerUnavailable | undefined)[]>;

/** A write, and the callers that wait for it. */
interface Waiting {
  write: WriteRequest;
  readonly callers: { resolve(): void; reject(failure: LedgerUnavailable): void }[];
}

/**
 * Batches the writes of one millisecond, at most 25, into one call. A batch does not wait for calls in progress. Of two writes
 * with the same key, only the last one is made, because DynamoDB rejects a call with duplicate keys.
 *
 * @returns a function that resolves when its own write is made, and rejects with LedgerUnavailable if it is not
 */
export function createGroupCommit(writeTogether: WriteTogether): (key: string, write: WriteRequest) => Promise<void> {
  let waiting = new Map<string, Waiting>();
  let timer: NodeJS.Timeout | undefined;

  async function flush(): Promise<void> {
    clearTimeout(timer);
    timer = undefined;
    const group = [...waiting.values()];
    waiting = new Map();
    const failures = await writeTogether(group.map(({ write }) => write));
    for (const [index, { callers }] of group.entries()) {
      const failure = failures[index];
      for (const { resolve, reject } of callers) failure === undefined ? resolve() : reject(failure);
    }
  }

  return (key, write) =>
    new Promise((resolve, reject) => {
      const standing = waiting.get(key);
      if (standing === undefined) waiting.set(key, { write, callers: [{ resolve, reject }] });
      else {
        standing.write = write;
        standing.callers.push({ resolve, reject });
      }
      if (waiting.size === MAX_BATCH_WRITES) void flush();
      else timer ??= setTimeout(() => void flush(), WINDOW_MS);
    });
}
