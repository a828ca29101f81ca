import type { ReplayResult } from './replay-deliveries.ts';

/** What became of deliveries that were not replayed, as the CLI prints it after their number. */
export const RESULT_WORDS: Readonly<Record<Exclude<ReplayResult, 'replayed'>, string>> = {
  in_flight: 'skipped, in flight: a message or a function has it already',
  changed: 'skipped, changed meanwhile by another writer',
  no_payload: 'not sent: the payload is deleted',
  refused: 'not sent: the queue refused it, and the reconciler sends it later',
  unconfirmed: 'not sent: the ledger did not respond; if it was changed, the reconciler sends it later',
};

/** The same of those whose turn did not come. */
export const LEFT_WORDS = 'not begun, and as they were: the same command finds them';
