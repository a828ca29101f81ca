import type { SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { beforeEach, describe, expect, test } from '@jest/globals';
import { evenly } from '../../../commands/replay/pace.ts';
import { type ReplayOrder, replayDeliveries } from '../../../commands/replay/replay-deliveries.ts';
import { type Delivery, type DeliverySubject, deliverySchema } from '../../../lambdas/events/delivery.ts';
import type { LedgerRecord } from '../../../lambdas/ledger/record.ts';
import { decideClaim, eventOf, newRecord } from '../../../lambdas/ledger/transitions.ts';
import { ENRICHED, NOW, subject } from '../../support/factories.ts';
import { createMemoryLedger, type MemoryLedger } from '../../support/memory-ledger.ts';

const ACCEPTED_MS = NOW - 3600_000;
const ACCEPTED_AT = new Date(ACCEPTED_MS).toISOString();
const LEASE = { ms: 60_000, claimedBy: 'test' };

let ledger: MemoryLedger;
let nowMs: number;
/** The messages that the queue took. */
let bodies: string[];
/** Thrown by the queue, where it takes nothing. */
let refusal: Error | undefined;

beforeEach(() => {
  nowMs = NOW;
  ledger = createMemoryLedger();
  bodies = [];
  refusal = undefined;
});

const sqs = {
  async send({ input }: SendMessageCommand) {
    if (refusal !== undefined) throw refusal;
    bodies.push(input.MessageBody ?? '');
  },
} as unknown as SQSClient;

const sent = () => bodies.map((body) => deliverySchema.parse(JSON.parse(body)));

/** A delivery whose event is held, in a state. */
async function makeDelivery(
  event_id: string,
  change: Partial<LedgerRecord> = {},
  more: Partial<DeliverySubject> = {},
): Promise<string> {
  const event = eventOf(subject({ event_id, ...more }), ACCEPTED_MS);
  await ledger.putEvents([event]);
  await ledger.overwrite({
    ...newRecord(subject({ event_id, ...more, accepted_at: ACCEPTED_AT }), NOW),
    ...{ state: 'dead', reason: 'HTTP 404', attempt: 1, enrichment: ENRICHED, version: 3, ...change },
  });
  return event.webhook_id;
}

function run(webhookIds: readonly string[], order: Partial<ReplayOrder> = {}, stopAfter = Number.POSITIVE_INFINITY) {
  let done = 0;
  return replayDeliveries(
    { cause: 'replay', turns: evenly(webhookIds, 10), isMeant: () => true, ...order },
    {
      ...{ table: ledger, sqs, queueUrl: 'http://sqs/0/deliveries' },
      now: () => nowMs,
      sleep: async (durationMs) => {
        nowMs += durationMs;
      },
    },
    {
      report: (count) => {
        done = count;
      },
      isInterrupted: () => done >= stopAfter,
    },
  );
}

test('a dead one: the same delivery in the next generation, with the learning time that is known', async () => {
  const id = await makeDelivery('event-1', { generation: 2 });
  expect((await run([id])).results).toMatchObject({ replayed: [id] });
  const [delivery] = sent();
  expect(delivery).toMatchObject({
    ...subject(),
    ...{ webhook_id: id, generation: 3, accepted_at: ACCEPTED_AT },
    progress: { enrichment: ENRICHED, attempt: 0, due_at: null },
  });
  expect(delivery).not.toHaveProperty('token');
  const record = await ledger.record(id);
  expect(record).toMatchObject({ state: 'accepted', generation: 3, attempt: 0, version: 4 });
  expect(record).not.toHaveProperty('reason');
});

test('what is sent may be claimed, and what was on its way before may not', async () => {
  const id = await makeDelivery('event-1', { state: 'scheduled', token: 'g0-a1', due_at: ACCEPTED_AT });
  await run([id]);
  const [delivery] = sent() as [Delivery];
  const claim = decideClaim(await ledger.record(id), delivery, LEASE, NOW);
  expect(claim).toMatchObject({ verdict: 'claimed', record: { generation: 1 } });
  if (claim.verdict !== 'claimed') return;
  const delivered: LedgerRecord = { ...claim.record, state: 'delivered' };
  const old = { ...delivery, generation: 0, token: 'g0-a1' };
  expect(decideClaim(delivered, old, LEASE, NOW)).toEqual({ verdict: 'done', state: 'delivered' });
});

test.each([
  ...(['delivered', 'parked', 'filtered'] as const).map((state) => ({ state })),
  // Its lease has ended.
  { state: 'delivering' as const, lease_until: new Date(NOW - 1).toISOString() },
])('%j: resent', async (change) => {
  const id = await makeDelivery('event-1', change);
  expect((await run([id])).results.replayed).toEqual([id]);
});

describe('a lead that is or was scheduled', () => {
  const LEAD = { event_type: 'lead', kind: 'lead.calculated', send_at: '2026-01-15T14:00:00.000Z' } as const;

  test.each(['scheduled', 'cancelled'] as const)(
    '%s and replayed: sent at once, whatever came after it',
    async (state) => {
      const id = await makeDelivery('lead', { state, reason: 'superseded by a later event of its user: wh_1' }, LEAD);
      await run([id]);
      const [delivery] = sent() as [Delivery];
      expect(delivery).toMatchObject({ ...LEAD, progress: { attempt: 0, due_at: null } });
      expect(delivery.progress).not.toHaveProperty('timed');
      expect(decideClaim(await ledger.record(id), delivery, LEASE, NOW)).toMatchObject({ verdict: 'claimed' });
    },
  );

  test('parked and released: a later one may still take its place', async () => {
    const id = await makeDelivery('lead', { state: 'parked', parked_for: 'paused' }, LEAD);
    await run([id], { cause: 'release' });
    expect(sent()).toMatchObject([{ progress: { timed: true, due_at: LEAD.send_at } }]);
  });
});

describe('nothing is changed', () => {
  test.each([{ state: 'accepted' }, { state: 'delivering', lease_until: new Date(NOW + 1000).toISOString() }] as const)(
    'in flight: %j',
    async (change) => {
      const id = await makeDelivery('event-1', change);
      const unclaimed = eventOf(subject({ event_id: 'unclaimed' }), ACCEPTED_MS);
      await ledger.putEvents([unclaimed]);
      const before = ledger.all();
      const { results } = await run([id, unclaimed.webhook_id]);
      expect(results).toMatchObject({ replayed: [], in_flight: [id, unclaimed.webhook_id] });
      expect(ledger.all()).toEqual(before);
      expect(sent()).toEqual([]);
    },
  );

  test('its payload is deleted', async () => {
    const id = await makeDelivery('event-1');
    ledger.dropEvent(id);
    const before = ledger.all();
    expect((await run([id])).results.no_payload).toEqual([id]);
    expect(ledger.all()).toEqual(before);
  });

  test('it is not among those that were meant any more', async () => {
    const id = await makeDelivery('event-1', { state: 'delivered' });
    expect((await run([id], { isMeant: ({ state }) => state === 'dead' })).results.changed).toEqual([id]);
    expect(await ledger.record(id)).toMatchObject({ state: 'delivered', generation: 0 });
  });

  test('the ledger cannot be read: it ends there', async () => {
    const ids = [await makeDelivery('event-1'), await makeDelivery('event-2')];
    ledger.isDown = true;
    const { results, left, thrown } = await run(ids);
    expect({ left, thrown }).toEqual({ left: 2, thrown: expect.objectContaining({ name: 'LedgerUnavailable' }) });
    expect(Object.values(results).flat()).toEqual([]);
  });
});

test('two operators at once: each delivery goes out once', async () => {
  const ids = await Promise.all(['1', '2', '3', '4', '5'].map((name) => makeDelivery(name)));
  const [one, other] = await Promise.all([run(ids), run(ids)]);
  expect([...one.results.replayed, ...other.results.replayed].sort()).toEqual([...ids].sort());
  const others = [one, other].flatMap(({ results }) => [...results.changed, ...results.in_flight]);
  expect(others.sort()).toEqual([...ids].sort());
  expect(sent()).toHaveLength(5);
});

test('the queue refuses messages: the replay ends there, and reports what was reopened', async () => {
  const ids = [await makeDelivery('event-1'), await makeDelivery('event-2')];
  refusal = new Error('the queue does not exist');
  const { results, left, thrown } = await run(ids);
  expect({ refused: results.refused, left }).toEqual({ refused: [ids[0]], left: 1 });
  expect(thrown).toBe(refusal);
  expect(await ledger.record(ids[0] ?? '')).toMatchObject({ state: 'accepted', generation: 1 });
  expect(await ledger.record(ids[1] ?? '')).toMatchObject({ state: 'dead', generation: 0 });
});

test('the ledger fails in the middle of a change: whether it is made is not known, and it ends there', async () => {
  const ids = [await makeDelivery('event-1'), await makeDelivery('event-2')];
  const { replace } = ledger;
  ledger.replace = async (record) => {
    ledger.isDown = true;
    return replace(record);
  };
  const { results, left } = await run(ids);
  expect({ unconfirmed: results.unconfirmed, left }).toEqual({ unconfirmed: [ids[0]], left: 1 });
});

test('interrupted: what was begun is on the queue, the rest is as it was, and another run takes it', async () => {
  const ids = await Promise.all(['1', '2', '3', '4'].map((name) => makeDelivery(name)));
  const first = await run(ids, {}, 2);
  expect({ left: first.left, replayed: first.results.replayed }).toEqual({ left: 2, replayed: ids.slice(0, 2) });
  expect(sent()).toHaveLength(2);
  const stillDead = ledger.all().filter(({ state }) => state === 'dead');
  expect(stillDead.map(({ webhook_id }) => webhook_id)).toEqual(ids.slice(2));
  const second = await run(ids);
  expect(second.results).toMatchObject({ replayed: ids.slice(2), in_flight: ids.slice(0, 2) });
});

test('a release keeps since when it is parked, a replay forgets it', async () => {
  const parked = { state: 'parked', parked_since: ACCEPTED_AT, parked_for: 'paused' } as const;
  const released = await makeDelivery('event-1', parked);
  const replayed = await makeDelivery('event-2', parked);
  await run([released], { cause: 'release' });
  await run([replayed]);
  expect(await ledger.record(released)).toMatchObject({ state: 'accepted', parked_since: ACCEPTED_AT });
  expect(await ledger.record(replayed)).not.toHaveProperty('parked_since');
});

test('characters that SQS refuses are sent escaped', async () => {
  const payload = '{"title":"\uFFFE"}';
  await run([await makeDelivery('event-1', {}, { payload })]);
  expect(bodies[0]).not.toContain('\uFFFE');
  expect(sent()).toMatchObject([{ payload }]);
});
