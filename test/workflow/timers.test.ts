import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { createLedger } from '../../lambdas/adapters/dynamodb-ledger.ts';
import type { Delivery } from '../../lambdas/contract/delivery.ts';
import type { Ledger } from '../../lambdas/contract/ledger-ports.ts';
import { deliverOne } from '../../lambdas/delivery/deliver-one.ts';
import { executionName, executionToken } from '../../lambdas/domain/identity.ts';
import { enrichEvents } from '../../lambdas/enrichment/enrich-events.ts';
import type { EnrichEventsServices } from '../../lambdas/enrichment/enrich-events-services.ts';
import { book, fakeCounter, fakeLog, flag, integration, NOW } from '../support/factories.ts';
import { createMemoryLedger } from '../support/memory-ledger.ts';
import { answered, openGate, sendingServices } from '../support/sending.ts';

const MINUTE_MS = 60_000;
const known = book(integration());

/** Something that a bot publishes: a lead, or one that it has published, with another time. */
interface Publication {
  readonly user: 1 | 2;
  readonly id: string;
  /** Undefined: it is hot, and sent at once. */
  readonly delayMinutes: number | undefined;
  /** How many calls the function that takes it makes before it is killed, the first time. */
  readonly killedAfter: number;
  /** Whether SQS delivers it twice. */
  readonly isTwice: boolean;
  /** Whether another poller takes the next one at the same time, unless something is due before that is published. */
  readonly isWithNext: boolean;
  /** How many turns of the event loop its calls are late, one after another. */
  readonly turnsLate: readonly number[];
  /**
   * Whether an execution that is due already wakes before its start is answered. Then its function is not killed: without
   * the timer, what it takes the place of is sent too (docs/decisions/0020).
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
    killedAfter: fc.integer({ min: 0, max: 8 }),
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

/** When each webhook is sent, in minutes, by the rules of docs/lms-guide.md; what was overtaken is absent. */
function expected(published: readonly Publication[]): Map<string, number> {
  const sent = new Map<string, number>();
  for (const user of [1, 2]) {
    const seen = new Set<string>();
    let waiting: { readonly eventId: string; readonly dueMinute: number } | undefined;
    const wakeUntil = (minute: number) => {
      if (waiting === undefined || waiting.dueMinute > minute) return;
      sent.set(waiting.eventId, waiting.dueMinute);
      waiting = undefined;
    };
    for (const [minute, publication] of published.entries()) {
      if (publication.user !== user) continue;
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
  }
  return sent;
}

class Killed extends Error {}

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
  const ledger = createLedger({ table: createMemoryLedger({ now }), claimedBy: 'test', log, counter, now });
  const executions = new Map<string, Delivery>();
  const inputs = new Map<string, string>();
  const sent: { readonly id: string; readonly minute: number }[] = [];
  // Half minutes: what comes again some seconds later is no later by that, and early is early.
  const note = (id: string) => sent.push({ id, minute: Math.floor((2 * (nowMs - NOW)) / MINUTE_MS) / 2 });

  /** A function whose calls fail from the `left`th on: whatever it was about to do stays undone. */
  function functionDyingAfter(
    left: number,
    { turnsLate = [], wakesAtOnce = false } = {} as Partial<Publication>,
  ): EnrichEventsServices {
    let calls = 0;
    const call =
      <A extends readonly unknown[], R>(made: (...args: A) => Promise<R>) =>
      async (...args: A): Promise<R> => {
        calls += 1;
        if (calls > left) throw new Killed();
        for (let turn = 0; turn < (turnsLate[calls - 1] ?? 0); turn += 1) await new Promise(setImmediate);
        return made(...args);
      };
    const { accept, timers, keepTimer, note: noteOne, claim, settle } = ledger;
    const dying: Ledger = {
      ...{ accept: call(accept), timers: call(timers), keepTimer: call(keepTimer), note: call(noteOne) },
      ...{ claim, settle },
    };
    return {
      flag: { read: async () => flag() },
      integrations: { read: async () => known },
      cache: { read: async () => new Map(), write: async () => {} },
      warehouse: { ask: () => Promise.reject(new Error('leads need nothing of it')) },
      ledger: dying,
      workflow: {
        start: call(async (delivery: Delivery) => {
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
      forward: call(async (deliveries: ReadonlyMap<string, Delivery>) => {
        // The deliveries queue, and who reads it.
        for (const delivery of deliveries.values()) {
          const claim = await ledger.claim(delivery, 40_000);
          if (claim.verdict !== 'mine') continue;
          note(delivery.event_id);
          await ledger.settle(claim.hold, { progress: { ...delivery.progress, attempt: 1, outcome: 'delivered' } });
        }
        return new Set<string>();
      }),
      deadLetter: () => Promise.reject(new Error('nothing is wrong with any')),
      log,
      counter,
      now,
      random: () => 0.5,
    };
  }

  /** @returns what SQS delivers again */
  async function take({ publication, minute }: Taking, diesAfter: number): Promise<Taking[]> {
    const messages = [{ id: 'message', body: bodyOf(publication, minute), attributes: {} }] as never;
    const isTaken = await enrichEvents(messages, functionDyingAfter(diesAfter, publication)).then(
      (failures) => failures.size === 0,
      (thrown) => {
        if (!(thrown instanceof Killed)) throw thrown;
        return false;
      },
    );
    return isTaken ? [] : [{ publication, minute }];
  }

  /** Side by side, until SQS has nothing left of them. */
  async function takeAll(takings: readonly Taking[]): Promise<void> {
    const first = await Promise.all(
      takings.map((one) => take(one, one.publication.wakesAtOnce ? Infinity : one.publication.killedAfter)),
    );
    let left = [...first.flat(), ...takings.filter(({ publication }) => publication.isTwice)];
    for (let receives = 1; left.length > 0; receives += 1) {
      if (receives > MAX_RECEIVES) throw new Error('a message comes again and again');
      // By then it has entered the pipeline at another moment.
      nowMs += 1000;
      left = (await Promise.all(left.map((one) => take(one, Infinity)))).flat();
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
      ...{ integrations: { read: async () => known }, gate: openGate(), log, counter, random: () => 0.5, ledger },
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
  return { sent, outcomes: [...executions.values()].map(({ progress }) => progress.outcome) };
}

test('whoever is killed and whatever comes twice: each lead is sent once, in its time, or a later one took its place', async () => {
  await fc.assert(
    fc.asyncProperty(publications, async (published) => {
      const { sent, outcomes } = await play(published);
      const wanted = [...expected(published)].map(([id, minute]) => ({ id, minute }));
      const byId = (one: { id: string }, other: { id: string }) => (one.id < other.id ? -1 : 1);
      expect(sent.toSorted(byId)).toEqual(wanted.toSorted(byId));
      for (const outcome of outcomes) expect(['delivered', 'cancelled', 'duplicate']).toContain(outcome);
    }),
    { numRuns: 1500 },
  );
}, 120_000);
