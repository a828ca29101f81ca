import * as z from 'zod';
import { MIN_LEASE_SECONDS } from '../lambdas/ledger/record.ts';
import { MAX_QUEUE_ATTEMPT_SECONDS } from '../lambdas/partners/integration.ts';

/**
 * Lambda's own bounds: timeout 1 to 900 s, memory 128 to 10,240 MB. CPU grows with memory, 1 vCPU at 1,769 MB.
 *
 * `reservedConcurrency` is both a limit and a reservation: what it takes is taken from the account's other functions. An
 * account has 1,000 in each region, a new one perhaps 10, and Lambda refuses a reservation that would leave fewer than
 * 100 (10 in a new account) unreserved. Absent: none, bounded by the account alone.
 */
const functionSize = z.strictObject({
  timeoutSeconds: z.int().min(1).max(900),
  memoryMegabytes: z.int().min(128).max(10_240),
  reservedConcurrency: z.int().min(1).max(900).optional(),
});
export type FunctionSize = z.infer<typeof functionSize>;

/** An integration's longest `timeout_seconds`. */
const LONGEST_PARTNER_TRY_SECONDS = 300;

/**
 * What may come before a partner's try, outside of its deadline: hiding a message that came often, 2.5 s, the first read of
 * the configuration, 3 s, the claim in a ledger that hangs, 2 s, reading the integration's secret twice where it lacks
 * something, 6 s, the limiter, 0.7 s, and 1.5 s of waiting for the moment that its rate limit reserved.
 */
const BEFORE_PARTNER_TRY_SECONDS = 2.5 + 3 + 2 + 6 + 0.7 + 1.5;

/**
 * What may come after it: the limiter's report, 0.2 s, a queue or a workflow that does not take the message, 2.5 s, the dead
 * letter queue, 2.5 s, for a message that failed for days, settling it in a ledger that hangs, 2 s, and the outcomes queue, 1 s.
 */
const AFTER_PARTNER_TRY_SECONDS = 0.2 + 2.5 + 2.5 + 2 + 1;

/** A function that makes tries of up to `trySeconds`, which must end before Lambda stops it. */
function partnerFunction(trySeconds: number) {
  const longestSeconds = BEFORE_PARTNER_TRY_SECONDS + trySeconds + AFTER_PARTNER_TRY_SECONDS;
  return functionSize.refine(({ timeoutSeconds }) => timeoutSeconds > longestSeconds, {
    message: `must be longer than ${longestSeconds} s: a partner's slowest try, ${trySeconds} s, and what comes before and after it`,
    path: ['timeoutSeconds'],
  });
}

/** Every function of a stage, by its construct's name. */
export const functionSizes = z.strictObject({
  enrichBatch: functionSize,
  enrichTask: functionSize,
  checkWarehouse: functionSize,
  deliverBatch: partnerFunction(MAX_QUEUE_ATTEMPT_SECONDS).refine(
    ({ timeoutSeconds }) => timeoutSeconds < MIN_LEASE_SECONDS,
    {
      message: `must be shorter than the shortest lease, ${MIN_LEASE_SECONDS} s: whoever still holds one is alive`,
      path: ['timeoutSeconds'],
    },
  ),
  deliverTask: partnerFunction(LONGEST_PARTNER_TRY_SECONDS),
  sendTest: functionSize,
  rescueExecution: functionSize,
  sweepExecutions: functionSize,
  credentialAge: functionSize,
  reconcile: functionSize,
  settleOutcomes: functionSize,
  featureStatus: functionSize,
  webhookHealth: functionSize,
});
