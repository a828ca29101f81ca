import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { RECORDED_ATTEMPTS } from '../../lambdas/contract/ledger.ts';
import { hasEnded, play, scripts, WEBHOOKS } from '../support/pipeline-model/script.ts';
import type { Answer, World } from '../support/pipeline-model/world.ts';

const PARTNER: readonly Answer[] = ['delivered', 'unavailable', 'refused'];
const EVERYTHING: readonly Answer[] = [...PARTNER, 'limited', 'slow'];
/** Faults put into the claim, the settlement and the replay are found within 310 runs by one of the three. */
const RUNS = { numRuns: 1_500 };

/** What went wrong, and how it came to that. */
function faultsOf(world: World, isTableSound = true): readonly string[] {
  const faults = [...world.faults, ...WEBHOOKS.flatMap((webhookId) => faultsWith(webhookId, world, isTableSound))];
  return faults.length === 0 ? [] : [...faults, ...world.story];
}

/** With a table in trouble repeats are judged as they happen (`World.take`), and not by their number. */
function faultsWith(webhookId: string, world: World, isTableSound = true): readonly string[] {
  const record = world.records.get(webhookId);
  // Its event was never published.
  if (record === undefined && !world.events.has(webhookId) && !world.forwarded.has(webhookId)) return [];
  if (record === undefined || !hasEnded(webhookId, world)) return [`${webhookId} is lost: ${record?.state}`];
  const { state, generation, attempts } = record;
  const taken = world.taken.get(webhookId) ?? 0;
  const allowed = world.allowed.get(webhookId) ?? 1;
  const isLetter = (letter: { webhook_id: string; generation: number }) =>
    letter.webhook_id === webhookId && letter.generation > generation;
  return [
    ...(state === 'delivered' && taken === 0 ? [`${webhookId} was never taken`] : []),
    ...(state === 'dead' && !world.letters.some(isLetter) ? [`${webhookId} is dead, and no letter says so`] : []),
    ...(isTableSound && taken > allowed ? [`${webhookId} was taken ${taken} times and not ${allowed}`] : []),
    ...(attempts.length > RECORDED_ATTEMPTS ? [`${webhookId} remembers ${attempts.length} tries`] : []),
  ];
}

/**
 * Functions killed between any two steps, events published up to three times, messages delivered again, dead letters
 * redriven, operators and a reconciler that send anew. In every case: nothing is lost; what is dead has its letter; the
 * partner takes a webhook once, and once more for each kill between its 2xx and our writing it down and for each replay of
 * what was delivered; nobody sends beside somebody else; no generation falls.
 */
describe('whatever happens to a webhook', () => {
  test('it is delivered once or dead, with the reconciler, whoever is killed', () => {
    fc.assert(
      fc.property(scripts(EVERYTHING, ['replay', 'reconcile']), (script) => {
        expect(faultsOf(play(script, true))).toEqual([]);
      }),
      RUNS,
    );
  });

  /**
   * Besides: the table fails for a while, or applies writes without a response. Outcomes wait in their queue, come in any
   * order and more than once, and meet later generations. The partner takes a webhook again only where the claim could not be
   * made, or while an outcome is not settled yet; what the ledger knows is never undone.
   */
  test('it is delivered once or dead, whatever the table does, but for what the table could not know', () => {
    fc.assert(
      fc.property(scripts(EVERYTHING, ['replay', 'reconcile', 'table', 'table', 'table', 'copy_outcome']), (script) => {
        const world = play(script, true);
        expect(faultsOf(world, false)).toEqual([]);
        expect(world.outcomes).toEqual([]);
      }),
      RUNS,
    );
  });

  // A copy that is sent another way than its killed predecessor may meet the name of an execution that has ended.
  test('it needs no reconciler as long as only the partner says how it goes on', () => {
    fc.assert(
      fc.property(scripts(PARTNER, []), (script) => {
        expect(faultsOf(play(script, false))).toEqual([]);
      }),
      RUNS,
    );
  });
});
