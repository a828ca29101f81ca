import type { ReceivedMessage } from '../adapters/batch-intake.ts';
import type { Delivery } from '../contract/delivery.ts';
import type { Workflow } from '../contract/delivery-ports.ts';
import type { VersionedFlag } from '../contract/flag.ts';
import type { LearningTimeCache, Warehouse } from '../contract/learning-time.ts';
import type { Ledger } from '../contract/ledger-ports.ts';
import type { Log } from '../contract/log.ts';
import type { Counter } from '../contract/metrics.ts';
import type { IntegrationBook } from '../domain/integrations.ts';

/** A message of the events queue that becomes no delivery. */
export interface RejectedMessage extends ReceivedMessage {
  readonly reason: string;
  readonly integrationId?: string;
}

/** What a batch of events is dealt with. Built once for a function environment; a test passes literals. */
export interface EnrichEventsServices {
  readonly flag: { read(): Promise<VersionedFlag | undefined> };
  readonly integrations: { read(): Promise<IntegrationBook | undefined> };
  readonly cache: LearningTimeCache;
  readonly warehouse: Warehouse;
  readonly workflow: Workflow;
  readonly ledger: Ledger;
  /** Sends to the deliveries queue. @returns the ids of those that were refused */
  forward(deliveries: ReadonlyMap<string, Delivery>): Promise<ReadonlySet<string>>;
  /** Dead-letters messages of the events queue. @returns the ids of those that could not be */
  deadLetter(messages: readonly RejectedMessage[]): Promise<ReadonlySet<string>>;
  readonly log: Log;
  readonly counter: Counter;
  now(): number;
  random(): number;
  /** Until this invocation's timeout, in milliseconds. */
  remainingMs(): number;
}
