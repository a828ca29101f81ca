import type { TaskResult } from '../events/delivery.ts';
import type { Lease, Ledger } from '../ledger/ports.ts';
import type { Attempted } from './attempt-delivery.ts';

/** The outcome of a claimed delivery. */
export interface DeliveryOutcome {
  readonly result: TaskResult;
  /** Absent if no attempt was made. */
  readonly attempted?: Pick<Attempted, 'attempt' | 'responseStart'> | undefined;
}

/**
 * Records the outcome of a claimed delivery in the ledger, and releases its claim.
 *
 * @param token of the message or execution that carries the delivery, which must exist already
 * @returns see `Ledger.settle`
 */
export function settle(
  lease: Lease,
  { result, attempted }: DeliveryOutcome,
  token: string | undefined,
  { ledger }: { readonly ledger: Ledger },
): Promise<boolean> {
  const { redrive: _, ...progress } = result;
  const { attempt, responseStart } = attempted ?? {};
  return ledger.settle(lease, {
    progress,
    ...(token !== undefined && { token }),
    ...(attempt !== undefined && { attempt }),
    ...(responseStart !== undefined && { responseStart }),
  });
}
