import type { Delivery } from '../contract/delivery.ts';
import type { Integration } from '../contract/integration.ts';
import type { Claim, Ledger } from '../contract/ledger-ports.ts';
import { leaseMs } from '../domain/ledger.ts';

export interface ClaimServices {
  readonly ledger: Ledger;
}

/** Asks the ledger for a delivery, for as long as a try at its integration may take. */
export function claim(
  delivery: Delivery,
  integration: Integration | undefined,
  { ledger }: ClaimServices,
): Promise<Claim> {
  return ledger.claim(delivery, leaseMs((integration?.timeout_seconds ?? 0) * 1000));
}
