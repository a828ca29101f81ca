import { PARKED_REASON_OF } from '../events/operational-event.ts';
import type { StateEvidence } from '../ledger/integration-state.ts';
import { readRejection } from '../limiter/rejection.ts';
import type { ParkedInLedger } from './reconcile-parked.ts';

/** Largest number of parked deliveries of one integration in memory, about 20 MB; later runs find the others. */
const MAX_PARKED = 100_000;

/** What a run finds about one integration, for its release and its state. */
export class Findings {
  readonly parked: ParkedInLedger[] = [];
  /** When the integration last received a delivery. */
  lastDeliveredAt: string | undefined;
  /** The delivery that was parked last, of those that wait in the ledger because the limiter rejected them. */
  lastParked: StateEvidence['lastParked'];
  readonly #integrationId: string;

  constructor(integrationId: string) {
    this.#integrationId = integrationId;
  }

  addDelivery(at: string): void {
    if (isLater(at, this.lastDeliveredAt)) this.lastDeliveredAt = at;
  }

  /** Adds a delivery that is parked in the ledger only. @param at when it was parked */
  addParked(parked: ParkedInLedger, at: string, reason = ''): void {
    if (this.parked.length < MAX_PARKED) this.parked.push(parked);
    const rejection = readRejection(this.#integrationId, reason);
    if (rejection === undefined || !isLater(at, this.lastParked?.at)) return;
    this.lastParked = { at, reason: PARKED_REASON_OF[rejection] };
  }
}

function isLater(at: string, other: string | undefined): boolean {
  return other === undefined || Date.parse(at) > Date.parse(other);
}
