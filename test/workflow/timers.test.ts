import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { createLedger } from '../../lambdas/adapters/dynamodb-ledger.ts';
import type { Delivery } from '../../lambdas/contract/delivery.ts';
import { deliverOne } from '../../lambdas/delivery/deliver-one.ts';
import { executionName, executionToken } from '../../lambdas/domain/identity.ts';
import type { EnrichEventsServices } from '../../lambdas/enrichment/enrich-events.ts';
import { enrichEvents } from '../../lambdas/enrichment/enrich-events.ts';
import { book, fakeCounter, fakeLog, flag, integration, NOW } from '../support/factories.ts';
import { createMemoryLedger } from '../support/memory-ledger.ts';
import { UNGUARDED } from '../support/open-ledger.ts';
import { answered, openLimiter, sendingServices } from '../support/sending.ts';
import { type CallEnd, Calls, callEnds } from '../support/unanswered-calls.ts';

const MINUTE_MS = 60_000;
const known = book(integration());

/** Something that a bot publishes: a lead, or one that it has published, with another time. */
interface Publication {
  readonly user: 1 | 2;
  readonly id: string;
  /** Undefined: it is hot, and sent at once. */
  readonly delayMinutes: number | undefined;
  /** How the calls end of the functions that take it: the first time, and when it comes again. */
  readonly ends: readonly (readonly CallEnd[])[];
  /** Whether SQS delivers it twice. */
  readonly isTwice: boolean;
  /** Whether another poller takes the next one at the same time, unless something is due before that is published. */
  readonly isWithNext: boolean;
  /** How many turns of the event loop its calls are late, one after another. */
  readonly turnsLate: readonly number[];
  /**
   * Whether an execution that is due already wakes before its start is answered. Then its function's calls are all done:
   * without the timer, what it takes the place of is sent too (docs/decisions/0020).
   */
  readonly wakesAtOnce: boolean;
}

/** One minute between publications; delays end between two, or at once. */
const publications = fc.array(
  fc.record<Publication>({
    user: fc.constantFrom<1 | 2>(1, 2),
    id: fc.constantFrom('a', 'b', 'c', 'd', 'e'),
    delayMinutes: fc.option(
      fc.oneof(
        fc.constant(0),
        fc.integer({ min: 0, max: 9 }).map((minutes) => minutes + 0.5),
      ),
      { nil: undefined },
    ),
    ends: fc.array(callEnds(8), { maxLength: 2 }),
    isTwice: fc.boolean(),
    isWithNext: fc.boolean(),
    turnsLate: fc.array(fc.nat(5), { maxLength: 8 }),
    wakesAtOnce: fc.boolean(),
  }),
  { minLength: 1, maxLength: 12 },
);

/** Calculated and hot leads are different leads, and users have their own. */
const eventIdOf = ({ user, id, delayMinutes }: Publication) =>
  `${delayMinutes === undefined ? 'hot' : 'calculated'}-${user}-${id}`;

function bodyOf(publication: Publication, minute: number): string {
  const { user, delayMinutes } = publication;
  const occurred_at = new Date(NOW + minute * MINUTE_MS).toISOString();
  const payload = { user_id: user, lead_type: delayMinutes === undefined ? 'hot' : 'calculated', priority: 'high' };
  return JSON.stringify({
    ...{ schema_version: 1, event_type: 'lead', integration_id: 'acme', occurred_at, event_id: eventIdOf(publication) },
    ...(delayMinutes !== undefined && { delay_minutes: delayMinutes }),
    payload: { ...payload, timestamp: '2026-01-15T12:00:00Z' },
  });
}

/** When each of one user's leads is sent, in minutes, by the rules of docs/lms-guide.md; what was overtaken is absent. */
function expected(published: readonly (readonly [Publication, number])[]): Map<string, number> {
  const sent = new Map<string, number>();
  const seen = new Set<string>();
  let waiting: { readonly eventId: string; readonly dueMinute: number } | undefined;
  const wakeUntil = (minute: number) => {
    if (waiting === undefined || waiting.dueMinute > minute) return;
    sent.set(waiting.eventId, waiting.dueMinute);
    waiting = undefined;
  };
  for (const [publication, minute] of published) {
    wakeUntil(minute);
    const eventId = eventIdOf(publication);
    const { delayMinutes } = publication;
    const dueMinute = minute + (delayMinutes ?? 0);
    if (delayMinutes === undefined) {
      if (seen.has(eventId)) continue;
      sent.set(eventId, minute);
      waiting = undefined;
    } else if (waiting?.eventId === eventId || !seen.has(eventId)) waiting = { eventId, dueMinute };
    seen.add(eventId);
  }
  wakeUntil(Number.POSITIVE_INFINITY);
  return sent;
}

/** More often than any message has to come. */
const MAX_RECEIVES = 5;

interface Taking {
  readonly publication: Publication;
  /** When it was published. */
  readonly minute: number;
}

/** Not where the next one moves a lead whose place this one takes: which of them is the later one is then open. */
function waitsForNext(published: readonly Publication[], minute: number): boolean {
  const [own, next] = published.slice(minute, minute + 2);
  if (own === undefined || next === undefined || !own.isWithNext) return false;
  const isMoveOfAnother = published.slice(0, minute).some((one) => eventIdOf(one) === eventIdOf(next));
  const isDueLater = own.delayMinutes !== undefined && own.delayMinutes > 1;
  return isDueLater && (eventIdOf(own) === eventIdOf(next) || !isMoveOfAnother);
}

/** The pipeline's own functions over a ledger and a workflow in memory, minute by minute. */
async function play(published: readonly Publication[]) {
  let nowMs = NOW;
  const now = () => nowMs;
  const log = fakeLog();
  const counter = fakeCounter();
  const table = createMemoryLedger({ now });
  const ledger = createLedger({ ...UNGUARDED, table, claimedBy: 'test', log, counter, now });
  /** Users about whom the ledger did not respond each time. */
  const unreached = new Set<number>();
  const executions = new Map<string, Delivery>();
  const inputs = new Map<string, string>();
  /** By the function that took what was published in a minute, the first time. */
  const callsMade = new Map<number, number>();
  const sent: { readonly id: string; readonly minute: number }[] = [];
  // Half minutes: what comes again some seconds later is no later by that, and early is early.
  const note = (id: string) => sent.push({ id, minute: Math.floor((2 * (nowMs - NOW)) / MINUTE_MS) / 2 });

  /** What a function reaches whose calls end as given. */
  function servicesOver(calls: Calls, wakesAtOnce: boolean): EnrichEventsServices {
    const make = <T>(call: () => Promise<T>) => calls.make(call, () => new Error('no response'));
    return {
      flag: { read: async () => flag() },
      integrations: { read: async () => known },
      cache: { read: async () => new Map(), write: async () => {} },
      warehouse: { ask: () => Promise.reject(new Error('leads need nothing of it')) },
      ledger: createLedger({ ...UNGUARDED, table: calls.table(table), claimedBy: 'test', log, counter, now }),
      workflow: {
        start: (delivery) =>
          make(async () => {
            const token = executionToken(delivery);
            const name = executionName(delivery.webhook_id, token);
            const input = JSON.stringify({ ...delivery, token });
            const isOwn = (inputs.get(name) ?? input) === input && isOpen(executions.get(name)?.progress.outcome);
            if (!executions.has(name)) executions.set(name, { ...delivery, token });
            inputs.set(name, inputs.get(name) ?? input);
            if (wakesAtOnce && isOpen(executions.get(name)?.progress.outcome) && isDue(name)) await wake(name);
            return { token, isOwn };
          }),
      },
      // The deliveries queue, and who reads it.
      forward: (deliveries) => make(() => deliver([...deliveries.values()])).catch(() => new Set(deliveries.keys())),
      deadLetter: () => Promise.reject(new Error('nothing is wrong with any')),
      log,
      counter,
      now,
      random: () => 0.5,
      remainingMs: () => 40_000,
    };
  }

  async function deliver(deliveries: readonly Delivery[]): Promise<Set<string>> {
    for (const delivery of deliveries) {
      const claim = await ledger.claim(delivery, 40_000);
      if (claim.verdict !== 'mine') continue;
      note(delivery.event_id);
      await ledger.settle(claim.hold, { progress: { ...delivery.progress, attempt: 1, outcome: 'delivered' } });
    }
    return new Set();
  }

  /** @returns what SQS delivers again */
  async function take({ publication, minute }: Taking, ends: readonly CallEnd[]): Promise<Taking[]> {
    const { turnsLate, wakesAtOnce, user } = publication;
    const calls = new Calls(ends, turnsLate);
    const messages = [{ id: 'message', body: bodyOf(publication, minute), attributes: {} }] as never;
    const failures = await enrichEvents(messages, servicesOver(calls, wakesAtOnce)).catch((thrown) => {
      if (calls.isKilled) return undefined;
      throw thrown;
    });
    if (!callsMade.has(minute)) callsMade.set(minute, calls.made);
    if (calls.isTableUnreached) unreached.add(user);
    return calls.isKilled || failures?.size !== 0 ? [{ publication, minute }] : [];
  }

  /** Side by side, until SQS has nothing left of them. */
  async function takeAll(takings: readonly Taking[]): Promise<void> {
    const endsOf = ({ publication }: Taking, receive: number) =>
      publication.wakesAtOnce ? [] : (publication.ends[receive] ?? []);
    const first = await Promise.all(takings.map((one) => take(one, endsOf(one, 0))));
    let left = [...first.flat(), ...takings.filter(({ publication }) => publication.isTwice)];
    for (let receives = 1; left.length > 0; receives += 1) {
      if (receives > MAX_RECEIVES) throw new Error('a message comes again and again');
      // By then it has entered the pipeline at another moment.
      nowMs += 1000;
      left = (await Promise.all(left.map((one) => take(one, endsOf(one, receives))))).flat();
    }
  }

  /** Everything in the workflow that is due until then, in its order. */
  async function wakeUntil(untilMs: number): Promise<void> {
    for (;;) {
      const due = [...executions].filter(([, one]) => one.progress.outcome !== 'delivered' && dueMs(one) <= untilMs);
      const [next] = due
        .filter(([, { progress }]) => isOpen(progress.outcome))
        .toSorted(([, a], [, b]) => dueMs(a) - dueMs(b));
      if (next === undefined) return;
      nowMs = Math.max(nowMs, dueMs(next[1]));
      await wake(next[0]);
    }
  }
  const dueMs = ({ progress }: Delivery) => Date.parse(progress.due_at ?? '');
  const isDue = (name: string) => dueMs(executions.get(name) as Delivery) <= nowMs;
  async function wake(name: string): Promise<void> {
    const delivery = executions.get(name) as Delivery;
    const progress = await deliverOne(delivery, {
      ...sendingServices([answered(200)], { now }),
      ...{ integrations: { read: async () => known }, limiter: openLimiter(), log, counter, random: () => 0.5, ledger },
    });
    if (progress.outcome === 'delivered') note(delivery.event_id);
    executions.set(name, { ...delivery, progress });
  }
  const isAnyDueBefore = (minute: number) =>
    [...executions.values()].some(
      ({ progress }) => isOpen(progress.outcome) && Date.parse(progress.due_at ?? '') < NOW + minute * MINUTE_MS,
    );
  const isOpen = (outcome: string | undefined) => outcome === undefined || outcome === 'retry';

  let together: Taking[] = [];
  for (const [minute, publication] of published.entries()) {
    await wakeUntil(NOW + minute * MINUTE_MS);
    nowMs = NOW + minute * MINUTE_MS;
    together.push({ publication, minute });
    if (together.length === 1 && waitsForNext(published, minute) && !isAnyDueBefore(minute + 1)) continue;
    await takeAll(together);
    together = [];
  }
  await wakeUntil(Number.POSITIVE_INFINITY);
  return { sent, unreached, callsMade, outcomes: [...executions.values()].map(({ progress }) => progress.outcome) };
}

/** The event of a user's last publication, if none of the others was published after it came first. */
function latestOf(published: readonly Publication[]): string | undefined {
  const ids = published.map(eventIdOf);
  const last = ids.at(-1);
  return last !== undefined && ids.slice(ids.indexOf(last)).every((id) => id === last) ? last : undefined;
}

/**
 * What is wrong with what was sent of a user's leads while the ledger did not always answer: then a lead may take nobody's
 * place (docs/decisions/0020). Each is sent once at the most, and as if there were no others; the latest is sent for certain.
 */
function faultsWhileUnreached(
  sent: ReadonlyMap<string, readonly number[]>,
  own: readonly (readonly [Publication, number])[],
) {
  const latest = latestOf(own.map(([publication]) => publication));
  return [...new Set(own.map(([publication]) => eventIdOf(publication)))].flatMap((id) => {
    const minutes = sent.get(id) ?? [];
    const alone = expected(own.filter(([publication]) => eventIdOf(publication) === id)).get(id);
    const isRight = minutes.length === 0 ? id !== latest : minutes.length === 1 && minutes[0] === alone;
    return isRight ? [] : [`${id} was sent at ${minutes.join(', ') || 'no time'}, and alone is sent at ${alone}`];
  });
}

/** What is wrong with what was sent: each lead goes out once, in its time, or a later one took its place. */
async function faultsOf(published: readonly Publication[]): Promise<readonly string[]> {
  const { sent, unreached, outcomes } = await play(published);
  const minutes = new Map(
    [...Map.groupBy(sent, ({ id }) => id)].map(([id, all]) => [id, all.map(({ minute }) => minute)]),
  );
  const faults = [1, 2].flatMap((user) => {
    const own = [...published.entries()].flatMap(([minute, one]) =>
      one.user === user ? [[one, minute] as const] : [],
    );
    if (unreached.has(user)) return faultsWhileUnreached(minutes, own);
    const wanted = expected(own);
    return [...new Set(own.map(([one]) => eventIdOf(one)))].flatMap((id) => {
      const times = (minutes.get(id) ?? []).join(', ');
      if (times === String(wanted.get(id) ?? '')) return [];
      return [`${id} was sent at ${times || 'no time'}, and not at ${wanted.get(id)}`];
    });
  });
  const endings = outcomes.filter((outcome) => !['delivered', 'cancelled', 'duplicate'].includes(outcome ?? ''));
  return [...faults, ...endings.map((outcome) => `an execution ended as ${outcome}`)];
}

test('whatever is published, whatever call has no response, and whichever function is killed', async () => {
  await fc.assert(
    fc.asyncProperty(publications, async (published) => expect(await faultsOf(published)).toEqual([])),
    // Faults put into the timers' rules are found within 100 runs.
    { numRuns: 300 },
  );
});

const QUIET: Publication = {
  ...{ user: 1, id: 'a', delayMinutes: 4.5, ends: [], isTwice: false, isWithNext: false, turnsLate: [] },
  wakesAtOnce: false,
};

/** A kill after one call is a kill before the next one. */
const OTHER_ENDS: readonly CallEnd[] = ['repeated', 'unanswered', 'unmade', 'killed_before'];

/** All ends of one invocation's calls of which at most one is not done. */
const atMostOneFails = (calls = 0): readonly (readonly CallEnd[])[] => [
  [],
  ...OTHER_ENDS.flatMap((end) =>
    Array.from({ length: calls }, (_, before) => [...Array<CallEnd>(before).fill('done'), end]),
  ),
];

describe.each([
  ['to an earlier time', 1],
  ['to a later time', 8.5],
  ['to the same time', 3.5],
])('a lead that is moved %s', (_, delayMinutes) => {
  test.each([
    ['the only lead of its user', []],
    ['of a user whose last lead was sent', [{ ...QUIET, id: 'b', delayMinutes: undefined }]],
  ] as const)(
    '%s: is sent at that time, whichever calls have no response',
    async (_, before) => {
      const moved = (first: readonly CallEnd[], second: readonly CallEnd[]): readonly Publication[] => [
        ...before,
        { ...QUIET, ends: [first] },
        { ...QUIET, delayMinutes, ends: [second] },
      ];
      const { callsMade } = await play(moved([], []));
      const wrong: object[] = [];
      for (const first of atMostOneFails(callsMade.get(before.length))) {
        const after = await play(moved(first, []));
        for (const second of atMostOneFails(after.callsMade.get(before.length + 1))) {
          const faults = await faultsOf(moved(first, second));
          if (faults.length > 0) wrong.push({ first: first.join(), second: second.join(), faults });
        }
      }
      expect(wrong).toEqual([]);
    },
    60_000,
  );
});
