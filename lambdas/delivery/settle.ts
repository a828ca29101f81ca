import type { TaskResult } from '../contract/delivery.ts';
import type { Hold } from '../contract/ledger-ports.ts';
import type { ClaimServices } from './claim.ts';
import type { Tried } from './try-delivery.ts';

/** What became of a claimed delivery. */
export interface Told {
  readonly result: TaskResult;
  /** Absent where no try was made. */
  readonly tried?: Pick<Tried, 'attempt' | 'answerStart'> | undefined;
}

/**
 * Writes down what became of a delivery, and gives it free.
 *
 * @param token of the message or execution that carries it on, which must exist by now
 * @returns whether it is written
 */
export function settle(
  hold: Hold,
  { result, tried }: Told,
  token: string | undefined,
  { ledger }: ClaimServices,
): Promise<boolean> {
  const { redrive: _, ...progress } = result;
  const { attempt, answerStart } = tried ?? {};
  return ledger.settle(hold, {
    progress,
    ...(token !== undefined && { token }),
    ...(attempt !== undefined && { attempt }),
    ...(answerStart !== undefined && { answerStart }),
  });
}
