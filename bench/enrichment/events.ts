import type { ReceivedMessage } from '../../lambdas/shared/batch-intake.ts';
import { COURSE, completion, ENTERPRISE } from '../../local/demo/sample-events.ts';
import { BATCH_SIZE, type CacheState } from './orders.ts';

/** The warehouse has learners from 1 to this one, in one course. */
export const LEARNERS = 100_000;

/** The first learners are in the cache after their first query; each other one is used in one cold batch. */
export const WARM_LEARNERS = 200;

/** One row each. Scanning a table of this size takes little time, so the warehouse is not the bottleneck. */
export const ROWS_SQL = `INSERT INTO PROD.BUSINESS_INTELLIGENCE.LEARNING_TIME
  SELECT learner, '${COURSE}', '${ENTERPRISE}', DATE '2026-01-10', 3600 + learner % 3600
  FROM range(1, ${LEARNERS + 1}) AS learners(learner)`;

/** Batches as the function receives them from SQS. */
export interface Batches {
  /** @throws RangeError if no learner is left */
  next(cache: CacheState): readonly ReceivedMessage[];
}

/** Events take the integrations in turn; learners of warm batches are repeated, those of cold ones never. */
export function createBatches(integrationIds: readonly string[]): Batches {
  let events = 0;
  let coldLearners = WARM_LEARNERS;
  const batch = (firstLearner: number) =>
    Array.from({ length: BATCH_SIZE }, (_, index): ReceivedMessage => {
      events += 1;
      const integrationId = integrationIds[events % integrationIds.length] as string;
      return {
        id: `message-${index}`,
        body: JSON.stringify(completion(`event-${events}`, integrationId, firstLearner + index)),
      };
    });
  // Every integration at least once.
  const warmCount = Math.max(WARM_LEARNERS, integrationIds.length) / BATCH_SIZE;
  const warm = Array.from({ length: warmCount }, (_, index) => batch(1 + ((index * BATCH_SIZE) % WARM_LEARNERS)));
  let nextWarm = 0;
  return {
    next(cache) {
      if (cache === 'warm') {
        const next = warm[nextWarm % warm.length] as ReceivedMessage[];
        nextWarm += 1;
        return next;
      }
      if (coldLearners + BATCH_SIZE > LEARNERS) throw new RangeError('no learner of the warehouse is left');
      const next = batch(coldLearners + 1);
      coldLearners += BATCH_SIZE;
      return next;
    },
  };
}
