import type { ReceivedMessage } from '../../lambdas/shared/batch-intake.ts';
import { COURSE, completion, ENTERPRISE } from '../../local/demo/sample-events.ts';
import { BATCH_SIZE, type CacheState } from './orders.ts';

/** The warehouse knows learners from 1 up to this one, in one course. */
export const LEARNERS = 100_000;

/** The first of them are in the cache once they were asked for; the others are for cold batches, each for one. */
export const WARM_LEARNERS = 200;

/** A row for each. A table of this size is scanned in little time: the warehouse is not what is measured. */
export const ROWS_SQL = `INSERT INTO PROD.BUSINESS_INTELLIGENCE.LEARNING_TIME
  SELECT learner, '${COURSE}', '${ENTERPRISE}', DATE '2026-01-10', 3600 + learner % 3600
  FROM range(1, ${LEARNERS + 1}) AS learners(learner)`;

/** Batches as SQS hands them to the function. */
export interface Batches {
  /** @throws RangeError if every learner was asked for already */
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
  // At least every integration once.
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
      if (coldLearners + BATCH_SIZE > LEARNERS) throw new RangeError('every learner of the warehouse was asked for');
      const next = batch(coldLearners + 1);
      coldLearners += BATCH_SIZE;
      return next;
    },
  };
}
