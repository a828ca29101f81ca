import type { WriteRequest } from '@aws-sdk/client-dynamodb';
import { LedgerUnavailable } from '../../contract/errors.ts';
import type { LedgerEvent } from '../../contract/ledger.ts';
import { batchWrite, MAX_BATCH_BYTES, MAX_BATCH_WRITES, put, type TableAddress } from './batch-write.ts';
import { dayOf, directoryItem, eventItem } from './ledger-items.ts';

/** A write, its size, and what is true once it is made. */
interface Write {
  readonly request: WriteRequest;
  /** As it is sent, at the most. */
  readonly bytes: number;
  readonly onceWritten?: () => void;
}

/** Names, keys and times of an item as it is sent, at the most. */
const FRAME_BYTES = 2048;

/**
 * Writes events, and with them the directory's entries that this instance has not written yet: most of its events are of
 * days and integrations that it knows.
 *
 * @throws LedgerUnavailable where one is not written; the others are
 */
export function createEventKeeper(
  table: TableAddress,
  { payloadDays, factsDays }: { readonly payloadDays: number; readonly factsDays: number },
): (events: readonly LedgerEvent[]) => Promise<void> {
  const known = new Set<string>();

  /** Entries of the directory that are still to be written. */
  function entriesOf(events: readonly LedgerEvent[]): Write[] {
    const days = new Map(events.map((event) => [`${dayOf(event.accepted_at)}#${event.integration_id}`, event]));
    return [...days]
      .filter(([name]) => !known.has(name))
      .map(([name, { accepted_at, integration_id }]) => ({
        request: put(directoryItem(dayOf(accepted_at), integration_id, factsDays)),
        bytes: FRAME_BYTES,
        onceWritten: () => known.add(name),
      }));
  }

  async function writeCall(writes: readonly Write[]): Promise<(LedgerUnavailable | undefined)[]> {
    const requests = writes.map(({ request }) => request);
    const failures = await batchWrite('keepEvents', requests, table);
    return writes.map(({ onceWritten }, position) => {
      if (failures[position] === undefined) onceWritten?.();
      return failures[position];
    });
  }

  return async (events) => {
    const writes = events.map((event) => ({
      request: put(eventItem(event, payloadDays)),
      // Every character of a payload, which is JSON text itself, may have to be escaped.
      bytes: FRAME_BYTES + 2 * Buffer.byteLength(event.payload),
    }));
    const outcomes = await Promise.all(callsOf([...entriesOf(events), ...writes]).map(writeCall));
    const failures = outcomes.flat().filter((failure) => failure !== undefined);
    const [first] = failures;
    if (first === undefined) return;
    const extent = `${failures.length} of ${outcomes.flat().length} writes`;
    throw new LedgerUnavailable(`${first.message} (${extent})`, { cause: first.cause });
  };
}

function callsOf(writes: readonly Write[]): Write[][] {
  const calls: Write[][] = [];
  let bytes = 0;
  for (const write of writes) {
    const last = calls.at(-1);
    if (last === undefined || last.length === MAX_BATCH_WRITES || bytes + write.bytes > MAX_BATCH_BYTES) {
      calls.push([write]);
      bytes = write.bytes;
    } else {
      last.push(write);
      bytes += write.bytes;
    }
  }
  return calls;
}
