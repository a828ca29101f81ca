import type { Delivery } from '../contract/delivery.ts';
import type { Timer } from '../contract/timer.ts';
import { executionToken } from '../domain/identity.ts';
import { awake } from '../domain/timers.ts';
import type { EnrichEventsServices } from './enrich-events-services.ts';
import type { Carried } from './start-workflows.ts';

/** A publication of an event that waits meets one or two others, rarely; this many is a mistake somewhere. */
const GENERATIONS_TRIED = 10;

/** What the ledger says of an event: that it was never published, that it was, or nothing. */
export type Seen = 'first' | 'published' | 'unknown';

/** Why a message comes again: only the ledger can say which publication of an event was last. */
export const UNREACHED = 'the ledger does not answer, and the event may have been moved';

/**
 * Starts the first generation that no other publication of the event has, and writes its timer: two publications may be
 * taken at once, and an operator or the reconciler may have sent the event anew. The later publication has the timer in
 * the end, in the highest generation: the others leave on waking, and the ledger lets the highest one claim.
 *
 * @param timer its own; undefined where it names no user, so that nothing takes its place
 * @param seen whether there is an earlier publication, whose timer may stand
 * @returns undefined where a later publication has the timer, and its own message sees to the rest
 */
export async function startTimed(
  delivery: Delivery,
  timer: Timer | undefined,
  seen: Seen,
  { ledger, workflow, now }: EnrichEventsServices,
): Promise<Carried | undefined> {
  let { generation } = delivery;
  for (let tried = 0; tried < GENERATIONS_TRIED; tried += 1) {
    const { token, isOwn } = await workflow.start({ ...delivery, generation });
    const carried = { delivery: { ...delivery, generation }, token };
    if (timer === undefined) return carried;
    // There was another publication, and whether the event was overtaken or sent since is not known.
    if (!isOwn && seen === 'unknown') return { fault: UNREACHED };
    const kept = isOwn ? await ledger.putTimer({ ...timer, generation }) : 'refused';
    // What is due may have woken before, and nobody else takes its timer off the list of those that wait.
    if (kept === 'kept' && isDue(timer, now())) await ledger.putTimer(awake({ ...timer, generation }));
    if (kept === 'kept') return carried;
    // The only publication so far is sent in its time without a timer, and the next one writes its own.
    if (kept === 'unreached' && seen !== 'published' && generation === delivery.generation) return carried;
    const found = kept === 'refused' ? await ledger.timers([timer.key]) : undefined;
    if (found === undefined) return { fault: UNREACHED };

    const standing = found.get(timer.key);
    if (standing?.webhook_id === timer.webhook_id) {
      if (standing.latest_at > timer.latest_at) return undefined;
      // This publication itself, of which a killed function may not have said who carries it.
      if (standing.latest_at === timer.latest_at) return carriedBy(standing, delivery);
      generation = Math.max(generation, standing.generation) + 1;
      continue;
    }
    // A later event took its place, which it reads on waking.
    if (isOwn) return carried;
    generation += 1;
  }
  return { fault: `other publications of the event have ${GENERATIONS_TRIED} generations` };
}

function isDue({ due_at }: Timer, nowMs: number): boolean {
  return due_at !== undefined && Date.parse(due_at) <= nowMs;
}

function carriedBy({ generation }: Timer, delivery: Delivery): Carried {
  const carried = { ...delivery, generation };
  return { delivery: carried, token: executionToken(carried) };
}
