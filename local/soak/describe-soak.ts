import { equation } from '../demo/operator.ts';
import { isSound, type SoakOutcome } from './reckon.ts';

/** Named, at the most, of each kind. */
const MOST_NAMED = 10;

/** What came of a soak, in words. */
export function describeSoak(outcome: SoakOutcome): string {
  const {
    events,
    messages,
    kills,
    unseen,
    redriven,
    letters,
    missing,
    strangers,
    repeated,
    tooSoon,
    republished,
    balance,
  } = outcome;
  return [
    `${events} events in ${messages} messages, ${kills} functions killed, dead letters redriven: ${redriven.join(', then ')}`,
    `partners took ${events - missing.length} of ${events}, and ${repeated.length} of them more than once`,
    `the ledger says: ${equation(balance)}`,
    ...(unseen > 0 ? [`functions went on without the ledger, and said so ${unseen} times`] : []),
    `the reconciler sent ${republished} anew; ${letters} dead letters lie there`,
    ...named('never taken', missing),
    ...named('taken, and never published', strangers),
    ...named('taken more than once', repeated),
    ...named('taken again at once', tooSoon),
    isSound(outcome) ? 'Sound: nothing is lost, and the ledger agrees with the partners.' : 'NOT SOUND.',
  ].join('\n');
}

function named(what: string, ids: readonly string[]): string[] {
  if (ids.length === 0) return [];
  const more = ids.length > MOST_NAMED ? ` and ${ids.length - MOST_NAMED} more` : '';
  return [`${what}: ${ids.slice(0, MOST_NAMED).join(' ')}${more}`];
}
