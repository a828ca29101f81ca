import * as z from 'zod';
import { MIN_LEASE_SECONDS } from '../lambdas/ledger/record.ts';
import { MAX_QUEUE_ATTEMPT_SECONDS } from '../lambdas/partners/integration.ts';

/**
 * Lambda's limits: timeout 1 to 900 s, memory 128 to 10,240 MB. CPU grows with memory, 1 vCPU at 1,769 MB.
 *
 * `reservedConcurrency` is both a limit and a reservation, which the account's other functions cannot use. An account has
 * 1,000 per region, a new one perhaps 10, and Lambda refuses a reservation that leaves fewer than 100 (10 in a new account)
 * unreserved. Absent: limited by the account only.
 */
const functionSize = z.strictObject({
  timeoutSeconds: z.int().min(1).max(900),
  memoryMegabytes: z.int().min(128).max(10_240),
  reservedConcurrency: z.int().min(1).max(900).optional(),
});
export type FunctionSize = z.infer<typeof functionSize>;

/** An integration's maximum `timeout_seconds`. */
const MAX_ATTEMPT_SECONDS = 300;

/**
 * Maximum duration of what precedes a delivery attempt, outside of its deadline: extending the visibility of a message that
 * was received often, 2.5 s; first read of the configuration, 3 s; claim, 2 s; two reads of the integration's secret, 6 s;
 * limiter, 0.7 s; wait for the reserved send time, 1.5 s.
 */
const BEFORE_ATTEMPT_SECONDS = 2.5 + 3 + 2 + 6 + 0.7 + 1.5;

/**
 * Maximum duration of what follows it: report to the limiter, 0.2 s; a send to the queue or a start of the workflow that
 * fails, 2.5 s; dead-letter queue, 2.5 s; settle, 2 s; outcomes queue, or the operational event, 1 s.
 *
 * If the report parks or resumes the integration, two writes and an event take another 5 s: in a batch while it passes the
 * deliveries on; in a task, which sends no message, in place of the two sends.
 */
const AFTER_ATTEMPT_SECONDS = 0.2 + 2.5 + 2.5 + 2 + 1;

/** A function that makes attempts of up to `attemptSeconds`, which must end before Lambda's timeout. */
function partnerFunction(attemptSeconds: number) {
  const longestSeconds = BEFORE_ATTEMPT_SECONDS + attemptSeconds + AFTER_ATTEMPT_SECONDS;
  return functionSize.refine(({ timeoutSeconds }) => timeoutSeconds > longestSeconds, {
    message: `must be longer than ${longestSeconds} s: the slowest attempt, ${attemptSeconds} s, and what precedes and follows it`,
    path: ['timeoutSeconds'],
  });
}

/** Time between two runs of WarmCache, in seconds. */
export const WARM_INTERVAL_SECONDS = 15 * 60;

/** Every function of a stage, by its construct's name. */
export const functionSizes = z.strictObject({
  enrichBatch: functionSize,
  enrichTask: functionSize,
  checkWarehouse: functionSize,
  warmCache: functionSize.refine(({ timeoutSeconds }) => timeoutSeconds < WARM_INTERVAL_SECONDS, {
    message: `must be shorter than the interval of its schedule, ${WARM_INTERVAL_SECONDS} s`,
    path: ['timeoutSeconds'],
  }),
  deliverBatch: partnerFunction(MAX_QUEUE_ATTEMPT_SECONDS).refine(
    ({ timeoutSeconds }) => timeoutSeconds < MIN_LEASE_SECONDS,
    {
      message: `must be shorter than the shortest lease, ${MIN_LEASE_SECONDS} s: a claim must not expire while its function runs`,
      path: ['timeoutSeconds'],
    },
  ),
  deliverTask: partnerFunction(MAX_ATTEMPT_SECONDS),
  sendTest: functionSize,
  rescueExecution: functionSize,
  sweepExecutions: functionSize,
  credentialAge: functionSize,
  certificateExpiry: functionSize,
  reconcile: functionSize,
  settleOutcomes: functionSize,
  featureStatus: functionSize,
  webhookHealth: functionSize,
});
