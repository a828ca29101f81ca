import type { Readable } from 'node:stream';
import { setImmediate } from 'node:timers/promises';
import { queryFailure, SnowflakeFailure } from './failure.ts';

interface RowBatchOptions {
  /** Longest wait for the next rows, in milliseconds. The reader's own time does not count. */
  readonly idleMs: number;
  /** Runs each call of the stream, so that the requests and errors that it causes belong to the connection. */
  readonly run: <T>(work: () => T) => T;
  /** Calls back when the stream can end no more on its own. */
  readonly onFailure: (fail: (failure: SnowflakeFailure) => void) => void;
}

/**
 * Reads the SDK's stream of rows in batches: all rows that it holds, which are at most its high water mark. While the reader
 * works on a batch the stream reads no more than that, so the reader's pace is the stream's.
 *
 * An iterator of the stream would give one row at a time, which costs a promise per row.
 *
 * @throws SnowflakeFailure also in the middle
 */
export async function* rowBatches(
  open: () => Readable,
  { idleMs, run, onFailure }: RowBatchOptions,
): AsyncGenerator<unknown[], void, void> {
  let failure: SnowflakeFailure | undefined;
  let hasEnded = false;
  let wake = () => {};
  const fail = (thrown: SnowflakeFailure) => {
    failure ??= thrown;
    wake();
  };
  onFailure(fail);
  const stream = run(() =>
    open()
      .on('readable', () => wake())
      .on('end', () => {
        hasEnded = true;
        wake();
      })
      .on('error', (thrown) => fail(queryFailure(thrown))),
  );
  try {
    for (;;) {
      const batch = run(() => heldRows(stream));
      if (batch.length > 0) {
        yield batch;
        // The SDK reads rows in ticks, which would keep the event loop from sockets and timers until the chunk's end.
        await setImmediate();
      }
      // A batch before the failure is complete.
      else if (failure !== undefined) throw failure;
      else if (hasEnded) return;
      else {
        const next = Promise.withResolvers<void>();
        wake = next.resolve;
        const timer = setTimeout(() => fail(idleFailure(idleMs)), idleMs);
        await next.promise;
        clearTimeout(timer);
      }
    }
  } finally {
    stream.destroy();
  }
}

function heldRows(stream: Readable): unknown[] {
  const rows: unknown[] = [];
  for (let row: unknown = stream.read(); row !== null; row = stream.read()) rows.push(row);
  return rows;
}

function idleFailure(idleMs: number): SnowflakeFailure {
  return new SnowflakeFailure('unreachable', 'deadline', `no further rows within ${idleMs} ms`);
}
