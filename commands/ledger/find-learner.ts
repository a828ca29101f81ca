import type { LedgerTable } from '../../lambdas/ledger/ports.ts';
import type { DeliveryState, LedgerRecord } from '../../lambdas/ledger/record.ts';
import { createProgressBar } from '../shared/progress-bar.ts';

/** Whose events are to be forgotten; given both, those that fit either. */
export interface Learner {
  readonly userId?: string | undefined;
  /** A part of a value of the payload, of events without a readable user id. */
  readonly containing?: string | undefined;
}

/** A delivery whose event is a learner's. */
export interface LearnersDelivery {
  readonly webhook_id: string;
  readonly integration_id: string;
  readonly accepted_at: string;
  readonly state: DeliveryState;
  /** Parked in the ledger alone: without its event it is never delivered. */
  readonly is_only_in_ledger: boolean;
}

/** States that are not the end yet. */
const OPEN: ReadonlySet<DeliveryState> = new Set(['accepted', 'delivering', 'scheduled', 'parked']);

/**
 * Every delivery of a learner whose event is held, oldest first, by reading the whole table. @throws LedgerUnavailable
 */
export async function findLearner(
  table: Pick<LedgerTable, 'eventsOf' | 'records'>,
  { userId, containing }: Learner,
): Promise<readonly LearnersDelivery[]> {
  const found = new Map<string, Pick<LearnersDelivery, 'webhook_id' | 'integration_id' | 'accepted_at'>>();
  const progress = createProgressBar({ unit: 'items read' });
  let readBefore = 0;
  let read = 0;
  const report = (items: number) => {
    read = readBefore + items;
    progress.report(read);
  };
  const scans = [
    ...(userId === undefined ? [] : [{ userId }]),
    ...(containing === undefined ? [] : [{ containing: asWritten(containing) }]),
  ];
  for (const learner of scans) {
    for await (const event of table.eventsOf(learner, { report })) found.set(event.webhook_id, event);
    readBefore = read;
  }
  progress.end();
  const records = await table.records([...found.keys()]);
  return [...found.values()]
    .map((event) => ({ ...event, ...standingOf(records.get(event.webhook_id)) }))
    .toSorted((one, other) => (one.accepted_at < other.accepted_at ? -1 : 1));
}

export function isOpen({ state }: LearnersDelivery): boolean {
  return OPEN.has(state);
}

function standingOf(record: LedgerRecord | undefined): Pick<LearnersDelivery, 'state' | 'is_only_in_ledger'> {
  const { state = 'accepted', token } = record ?? {};
  return { state, is_only_in_ledger: state === 'parked' && token === undefined };
}

/** Payloads are held as JSON text. */
function asWritten(text: string): string {
  return JSON.stringify(text).slice(1, -1);
}
