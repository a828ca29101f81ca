import { MAX_EXECUTION_DAYS } from '../../lambdas/events/delivery.ts';
import { MAX_TIMER_DAYS } from '../../lambdas/events/event.ts';
import { alignColumns } from '../shared/format.ts';

const DAY_MS = 24 * 3600_000;

/** How long Step Functions keeps the history of an execution that has ended, in days; it cannot be deleted sooner. */
const EXECUTION_HISTORY_DAYS = 90;

/** How long the queues and the dead-letter queues keep a message, in days (`lib/event-queues.ts`). */
const MESSAGE_DAYS = 4;
const DEAD_LETTER_DAYS = 14;

/** How far back the table can be restored, in days (`lib/ledger.ts`). */
const RECOVERY_DAYS = 7;

/** A place where a learner's data may still be, though the ledger has forgotten it. */
export interface RemainingCopy {
  readonly what: string;
  readonly how_long: string;
  /** ISO 8601, UTC; null where it is not ours to say, or nothing of the learner is there. */
  readonly until: string | null;
}

/**
 * What a deletion from the ledger does not reach. The times hold for deliveries that are final; the copies of another
 * one begin to age when it ends.
 */
export function remainingCopies(nowMs: number, factsDays: number): readonly RemainingCopy[] {
  const until = (days: number) => new Date(nowMs + days * DAY_MS).toISOString();
  return [
    {
      what: 'execution histories',
      how_long: `${EXECUTION_HISTORY_DAYS} days after an execution ends, which takes at most ${MAX_EXECUTION_DAYS}`,
      until: until(EXECUTION_HISTORY_DAYS + MAX_EXECUTION_DAYS),
    },
    {
      what: 'dead-letter queues',
      how_long: `${DEAD_LETTER_DAYS} days; a message can be deleted by hand`,
      until: until(DEAD_LETTER_DAYS),
    },
    { what: 'queues', how_long: `${MESSAGE_DAYS} days`, until: until(MESSAGE_DAYS) },
    {
      what: 'point-in-time recovery of the ledger',
      how_long: `${RECOVERY_DAYS} days; after a restore, delete again`,
      until: until(RECOVERY_DAYS),
    },
    {
      what: 'facts in the ledger',
      how_long: `${factsDays} days; states, times and learning time by webhook id, without the learner`,
      until: until(factsDays),
    },
    {
      what: 'timers of leads',
      how_long: `${MAX_EXECUTION_DAYS} days after the user’s latest is due, in ${MAX_TIMER_DAYS} at most; under a hash of the user’s id`,
      until: until(MAX_EXECUTION_DAYS + MAX_TIMER_DAYS),
    },
    { what: 'cache', how_long: 'cache_ttl_seconds of the flag (an hour); learning time by user id', until: null },
    { what: 'logs', how_long: 'ids, and nothing else of a learner', until: null },
    { what: 'the partner, the LMS, the warehouse', how_long: 'theirs to delete', until: null },
  ];
}

export function formatRemainingCopies(places: readonly RemainingCopy[]): string {
  const rows = places.map(({ what, how_long, until }) => [what, until?.slice(0, 10) ?? '-', how_long]);
  return `What this does not reach:\n${alignColumns([['where', 'until', 'for how long'], ...rows])}`;
}
