import * as z from 'zod';
import { MAX_EXECUTION_DAYS } from '../lambdas/contract/delivery.ts';

/**
 * Age, in days, at which a webhook may still need its payload: an execution carried it for as long as one may live, and
 * then it was parked for 72 hours. It is released with what the ledger holds of it; without that, it would be lost.
 */
const OLDEST_PARKED_DAYS = MAX_EXECUTION_DAYS + 3;

/**
 * How long the ledger holds what, in days since an event was accepted, and when it is left alone. DynamoDB deletes up to
 * 48 h later.
 */
export const ledgerDays = z
  .strictObject({
    /** Events as the LMS sent them, and how partners' refusals begin: personal data. */
    payloadDays: z
      .int()
      .min(OLDEST_PARKED_DAYS + 1)
      .max(365),
    /** States, times, tries and reasons: what is known of a webhook without its learner. */
    factsDays: z.int().max(3650),
    /**
     * When an environment makes no more calls of one kind: after so many failures or slow responses in a row, for so long,
     * ±20%. A call that hangs is given up after 2 s.
     */
    breaker: z.strictObject({
      failuresToOpen: z.int().min(1).max(100),
      openSeconds: z.int().min(1).max(60),
      slowMilliseconds: z.int().min(50).max(2_000),
    }),
  })
  .refine(({ payloadDays, factsDays }) => factsDays >= payloadDays, {
    message: 'must not be less than payloadDays: an event without its facts looks as if nobody had sent it yet',
    path: ['factsDays'],
  });
