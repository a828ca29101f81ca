import { beforeEach, describe, expect, test } from '@jest/globals';
import type { Delivery, Progress } from '../../lambdas/events/delivery.ts';
import { createLedger, type LedgerOptions } from '../../lambdas/ledger/dynamodb-ledger.ts';
import type { Claim, Lease, Settlement } from '../../lambdas/ledger/ports.ts';
import { RESPONSE_START_CHARACTERS } from '../../lambdas/ledger/record.ts';
import { newRecord } from '../../lambdas/ledger/transitions.ts';
import { type UnsettledOutcome, unsettledOutcomeSchema } from '../../lambdas/ledger/unsettled-outcome.ts';
import { LedgerUnavailable } from '../../lambdas/shared/errors.ts';
import { METRICS } from '../../lambdas/shared/metric-definitions.ts';
import {
  delivery,
  ENRICHED,
  fakeCounter,
  fakeEvents,
  fakeLog,
  LEARNER_DATA,
  NOW,
  subject,
} from '../support/factories.ts';
import { sharedLedgerTable } from '../support/ledger-table.ts';
import { UNGUARDED } from '../support/open-ledger.ts';

const LEASE_MS = 40_000;

const shared = sharedLedgerTable();

function newLedger(table = shared.table, overrides: Partial<LedgerOptions> = {}) {
  const log = fakeLog();
  const counter = fakeCounter();
  const queued: UnsettledOutcome[] = [];
  const ledger = createLedger({
    ...{ ...UNGUARDED, table, claimedBy: 'stream-1', log, counter, now: () => shared.nowMs },
    async queueOutcome(outcome) {
      queued.push(JSON.parse(JSON.stringify(outcome)));
      return true;
    },
    ...overrides,
  });
  return { log, counter, queued, ...ledger };
}

let made = 0;
function newDelivery(overrides: Partial<Delivery> = {}): Delivery {
  made += 1;
  return delivery(ENRICHED, { event_id: `event-${made}`, ...overrides });
}
const newSubject = (overrides: Parameters<typeof subject>[0] = {}) => {
  made += 1;
  return subject({ event_id: `event-${made}`, ...overrides });
};
const ended = (outcome: Progress['outcome'], more: Partial<Settlement> = {}): Settlement => ({
  progress: { enrichment: ENRICHED, attempt: 1, due_at: null, ...(outcome && { outcome }) },
  ...more,
});

function leaseOf(claimed: Claim): Lease {
  if (claimed.verdict !== 'claimed') throw new Error(`it is ${claimed.verdict}`);
  return claimed.lease;
}
/** An error of DynamoDB after which the SDK does not repeat the call. */
const REFUSED = { status: 400, answer: { __type: 'x#AccessDeniedException', message: 'no' } } as const;
const throttled = { status: 400, answer: { __type: 'x#ThrottlingException', message: 'slow down' } } as const;
const operations = () => shared.front.calls.map(({ operation }) => operation);

describe('a dead delivery has an operational event', () => {
  const dying = ended('dead');
  const settlement: Settlement = { progress: { ...dying.progress, dead_reason: 'refused' } };

  test('from the function whose write made it dead, after that write, and from no other', async () => {
    const events = fakeEvents();
    const { claim, settle, settleUnclaimed } = newLedger(shared.table, { events });
    const [one, other] = [newDelivery(), newDelivery()];
    const ended = leaseOf(await claim(one, LEASE_MS));
    shared.nowMs += LEASE_MS;
    expect(await settle(leaseOf(await claim(one, LEASE_MS)), settlement)).toBe(true);
    expect(await settle(ended, settlement)).toBe(false);
    expect(await settleUnclaimed(other, settlement)).toBe(true);
    const sent = [one, other].map(({ webhook_id }) => ({
      type: 'delivery.dead_lettered',
      detail: { integration_id: 'acme', webhook_id, reason: 'refused' },
    }));
    expect(events.sent).toMatchObject(sent);
    expect(events.sent).toHaveLength(2);
  });

  test('not while its outcome is queued, which SettleOutcomes writes', async () => {
    const events = fakeEvents();
    const { claim, settle, queued } = newLedger(shared.table, { events });
    const lease = leaseOf(await claim(newDelivery(), LEASE_MS));
    shared.front.decide(({ operation }) => (operation === 'PutItem' ? REFUSED : 'pass'));
    expect(await settle(lease, settlement)).toBe(true);
    expect(queued).toMatchObject([{ settlement: { progress: { dead_reason: 'refused' } } }]);
    expect(events.sent).toEqual([]);
  });
});

test('the life cycle of a delivery is an event, a claim and a delivery', async () => {
  const { accept, claim, settle, log, counter } = newLedger();
  const one = newDelivery();
  expect(await accept([one])).toEqual(new Map());
  const lease = leaseOf(await claim(one, LEASE_MS));
  expect(await settle(lease, ended('delivered'))).toBe(true);
  expect(operations()).toEqual(['BatchGetItem', 'BatchWriteItem', 'PutItem', 'BatchWriteItem']);
  expect(await shared.table.record(one.webhook_id)).toMatchObject({ state: 'delivered' });
  expect(await shared.table.event(one.webhook_id)).toMatchObject({ payload: one.payload });
  expect(log.lines).toEqual([]);
  expect(counter.counts).toEqual({});
});

test('a delivery whose lease has ended keeps the generation and the attempts of the next claim', async () => {
  const { claim, settle } = newLedger();
  const one = newDelivery();
  const late = leaseOf(await claim(one, LEASE_MS));
  shared.nowMs += LEASE_MS;
  const taken = leaseOf(await claim({ ...one, generation: 3 }, LEASE_MS));
  const attempt = { at: new Date(shared.nowMs).toISOString(), status: 503, duration_ms: 20 };
  await settle(taken, ended('retry', { token: 'g3-a1', attempt }));
  // The function was frozen after the partner's 2xx, until now.
  expect(await settle(late, ended('delivered'))).toBe(true);
  expect(await shared.table.record(one.webhook_id)).toMatchObject({
    state: 'delivered',
    generation: 3,
    attempts: [attempt],
  });
});

describe('accepting', () => {
  test('returns the records that need no copy, and writes the other events', async () => {
    const { accept } = newLedger();
    const [fresh, delivered, accepted] = [newSubject(), newSubject(), newSubject()];
    const record = { ...newRecord(delivered, NOW), version: 2, state: 'delivered' } as const;
    await shared.table.overwrite(record);
    await shared.table.overwrite({ ...newRecord(accepted, NOW), version: 2, state: 'accepted' });
    expect(await accept([fresh, delivered, accepted])).toEqual(new Map([[delivered.webhook_id, record]]));
    expect(await shared.table.event(fresh.webhook_id)).toBeDefined();
    expect(await shared.table.event(accepted.webhook_id)).toBeDefined();
    expect(await shared.table.event(delivered.webhook_id)).toBeUndefined();
  });

  test('writes a duplicate once', async () => {
    const one = newSubject();
    await newLedger().accept([one, { ...one }]);
    const { input } = shared.front.calls.find(({ operation }) => operation === 'BatchWriteItem') ?? {};
    expect(JSON.stringify(input).split('"event"')).toHaveLength(2);
  });

  test('writes even if nothing could be read, and returns undefined', async () => {
    const { accept, log, counter } = newLedger();
    shared.front.decide(({ operation }) => (operation === 'BatchGetItem' ? REFUSED : 'pass'));
    const one = newSubject();
    expect(await accept([one])).toBeUndefined();
    expect(await shared.table.event(one.webhook_id)).toBeDefined();
    expect(log.lines).toMatchObject([
      { level: 'warn', message: 'ledger.unavailable', fields: { operation: 'accept' } },
    ]);
    expect(counter.counts).toEqual({ [METRICS.ledgerUnavailable]: 1 });
  });
});

test('the claim of a duplicate is counted and logged', async () => {
  const { claim, log, counter } = newLedger();
  const one = newDelivery({ generation: 1 });
  await shared.table.overwrite({ ...newRecord(one, NOW), version: 2, state: 'delivered' });
  await claim(one, LEASE_MS);
  const { webhook_id, integration_id } = one;
  expect(log.only('delivery.duplicate')).toEqual({ webhook_id, integration_id, generation: 1, state: 'delivered' });
  expect(counter.counts).toEqual({ [METRICS.deliveryDuplicate]: 1 });
});

describe('settling', () => {
  test('as parked writes the event first, because nothing else stores it', async () => {
    const { claim, settle } = newLedger();
    const one = newDelivery();
    const lease = leaseOf(await claim(one, LEASE_MS));
    expect(await settle(lease, ended('parked'))).toBe(true);
    expect(operations()).toEqual(['PutItem', 'BatchWriteItem', 'PutItem']);
    expect(await shared.table.event(one.webhook_id)).toMatchObject({ accepted_at: lease.record?.accepted_at });
    expect(await shared.table.record(one.webhook_id)).toMatchObject({ state: 'parked' });
  });

  test('as parked is not written where the event is not', async () => {
    const { claim, settle } = newLedger();
    const one = newDelivery();
    const lease = leaseOf(await claim(one, LEASE_MS));
    shared.front.decide(({ operation }) => (operation === 'BatchWriteItem' ? REFUSED : 'pass'));
    expect(await settle(lease, ended('parked'))).toBe(false);
    expect(await shared.table.record(one.webhook_id)).toMatchObject({ state: 'delivering' });
  });

  test('stores the start of a refusal, not of a 2xx response', async () => {
    const { claim, settle } = newLedger();
    const responseOf = async (outcome: Progress['outcome']) => {
      const one = newDelivery();
      const responseStart = 'x'.repeat(RESPONSE_START_CHARACTERS + 1);
      await settle(leaseOf(await claim(one, LEASE_MS)), ended(outcome, { responseStart }));
      return shared.table.response(one.webhook_id);
    };
    expect(await responseOf('dead')).toBe('x'.repeat(RESPONSE_START_CHARACTERS));
    expect(await responseOf('delivered')).toBeUndefined();
  });

  test('is written although the response is not', async () => {
    const { claim, settle, log } = newLedger({
      ...shared.table,
      putResponse: () => Promise.reject(new LedgerUnavailable('putResponse: no')),
    });
    const lease = leaseOf(await claim(newDelivery(), LEASE_MS));
    expect(await settle(lease, ended('dead', { responseStart: LEARNER_DATA[0] }))).toBe(true);
    expect(log.only('ledger.unavailable')).toMatchObject({ operation: 'putResponse' });
    expect(log.text()).not.toContain(LEARNER_DATA[0]);
  });

  test('a delivery that another function has claimed since is logged, and not written', async () => {
    const { claim, settle, log, queued } = newLedger();
    const one = newDelivery();
    const lease = leaseOf(await claim(one, LEASE_MS));
    shared.nowMs += LEASE_MS;
    await settle(leaseOf(await claim(one, LEASE_MS)), ended('delivered'));
    expect(await settle(lease, ended('dead'))).toBe(false);
    expect(queued).toEqual([]);
    expect(log.lines).toMatchObject([
      { level: 'warn', message: 'ledger.lease_lost', fields: { webhook_id: one.webhook_id, outcome: 'dead' } },
    ]);
  });
});

test('an unclaimed outcome that is outdated is no failure', async () => {
  const { settleUnclaimed, log } = newLedger();
  const one = newDelivery();
  await shared.table.overwrite({ ...newRecord(one, NOW), version: 2, state: 'delivered' });
  expect(await settleUnclaimed(one, ended('retry', { token: 'g0' }))).toBe(true);
  expect(await shared.table.record(one.webhook_id)).toMatchObject({ state: 'delivered' });
  expect(log.lines).toEqual([]);
});

describe('without its table', () => {
  beforeEach(() => shared.front.decide(() => REFUSED));

  const everything = async (ledger: ReturnType<typeof newLedger>) => {
    const one = newDelivery();
    const known = await ledger.accept([one]);
    const claimed = await ledger.claim(one, LEASE_MS);
    const settled = await ledger.settle(leaseOf(claimed), ended('parked', { responseStart: LEARNER_DATA[0] }));
    const unclaimed = await ledger.settleUnclaimed(one, ended('retry', { token: 'g0' }));
    return { one, known, claimed, settled, unclaimed };
  };

  test('the ledger grants every claim, and does not park', async () => {
    const ledger = newLedger();
    const { one, ...results } = await everything(ledger);
    expect(results).toEqual({
      known: undefined,
      claimed: { verdict: 'claimed', lease: { delivery: one, record: undefined } },
      settled: false,
      unclaimed: true,
    });
    expect(ledger.counter.counts).toEqual({ [METRICS.ledgerUnavailable]: 6, [METRICS.outcomeQueued]: 1 });
    expect(new Set(ledger.log.messages())).toEqual(new Set(['ledger.unavailable']));
    const logged = ledger.log.lines.map(({ fields }) => fields.operation);
    expect(logged.toSorted()).toEqual(['accept', 'claim', 'putResponse', 'settle', 'settleUnclaimed']);
    expect(ledger.log.text()).not.toContain(LEARNER_DATA[0]);
  });

  test('the ledger logs one failure a second for each operation, and counts all', async () => {
    const { claim, log, counter } = newLedger();
    const claimAll = () => Promise.all(Array.from({ length: 10 }, () => claim(newDelivery(), LEASE_MS)));
    await claimAll();
    shared.nowMs += 999;
    await claimAll();
    expect(log.messages()).toEqual(['ledger.unavailable']);
    shared.nowMs += 1;
    await claimAll();
    expect(log.messages()).toEqual(['ledger.unavailable', 'ledger.unavailable']);
    expect(counter.counts).toEqual({ [METRICS.ledgerUnavailable]: 30 });
  });
});

describe('an outcome that cannot be written', () => {
  test.each<[string, Settlement]>([
    ['delivered', ended('delivered', { attempt: { at: new Date(NOW).toISOString(), status: 200, duration_ms: 9 } })],
    ['dead', ended('dead', { responseStart: LEARNER_DATA[0] })],
  ])('is queued with its claim, and without personal data: %s', async (_outcome, settlement) => {
    const { claim, settle, queued, counter } = newLedger();
    const one = newDelivery({ user_id: '4711', course_id: 'course-v1:edX+DemoX+Demo_Course' });
    const { delivery: claimed, record } = leaseOf(await claim(one, LEASE_MS));
    shared.front.decide(() => REFUSED);
    expect(await settle({ delivery: claimed, record }, settlement)).toBe(true);
    const { responseStart: _, ...kept } = settlement;
    const { payload, user_id, course_id, ...facts } = claimed;
    expect(queued).toEqual([
      {
        ...{ schema_version: 1, at: new Date(NOW).toISOString(), delivery: facts, settlement: kept },
        lease: { kind: 'claimed', record },
      },
    ]);
    expect(unsettledOutcomeSchema.strict().parse(queued[0])).toEqual(queued[0]);
    expect(counter.counts).toMatchObject({ [METRICS.outcomeQueued]: 1 });
  });

  test('is queued if its claim had no response, or if there was none', async () => {
    const { claim, settle, settleUnclaimed, queued } = newLedger();
    shared.front.decide(() => REFUSED);
    const one = newDelivery();
    expect(await settle(leaseOf(await claim(one, LEASE_MS)), ended('delivered'))).toBe(true);
    expect(await settleUnclaimed(one, ended('retry', { token: 'g0' }))).toBe(true);
    expect(queued.map(({ lease }) => lease.kind)).toEqual(['unseen', 'unclaimed']);
  });

  test('is queued until its own lease has ended, if the response of the claim was lost', async () => {
    const { claim, settle, queued } = newLedger();
    const one = newDelivery();
    shared.front.decide(({ operation }) => (operation === 'PutItem' ? 'lose' : REFUSED));
    const lease = leaseOf(await claim(one, LEASE_MS));
    expect(lease.record).toBeUndefined();
    shared.front.decide(() => 'pass');
    expect(await settle(lease, ended('dead'))).toBe(true);
    expect(queued).toMatchObject([{ lease: { kind: 'unseen' }, settlement: { progress: { outcome: 'dead' } } }]);
  });

  test('is lost if the queue refuses it too, which is counted and logged', async () => {
    const { claim, settle, log, counter } = newLedger(shared.table, { queueOutcome: async () => false });
    const one = newDelivery();
    const lease = leaseOf(await claim(one, LEASE_MS));
    shared.front.decide(() => REFUSED);
    expect(await settle(lease, ended('delivered'))).toBe(false);
    expect(counter.counts).toEqual({ [METRICS.ledgerUnavailable]: 1, [METRICS.outcomeLost]: 1 });
    const { webhook_id, integration_id } = one;
    expect(log.only('ledger.outcome_lost')).toEqual({
      webhook_id,
      integration_id,
      generation: 0,
      outcome: 'delivered',
    });
  });
});

describe('behind its circuit breaker', () => {
  const breaker = { failuresToOpen: 5, openMs: 10_000, slowMs: 1_000 };
  const guarded = () => newLedger(shared.table, { breaker });
  const claims = async ({ claim }: ReturnType<typeof newLedger>, times: number) => {
    for (let made = 0; made < times; made += 1) await claim(newDelivery(), LEASE_MS);
  };

  test('a table that fails gets no more claims, which are granted, until a probe succeeds', async () => {
    const ledger = guarded();
    shared.front.decide(() => REFUSED);
    await claims(ledger, 8);
    expect(operations()).toHaveLength(5);
    expect(ledger.counter.counts).toEqual({ [METRICS.ledgerUnavailable]: 5, [METRICS.ledgerSkipped]: 3 });
    expect(ledger.log.only('ledger.breaker_opened')).toEqual({ operation: 'claim', probe_in_ms: 10_000 });
    shared.front.decide(() => 'pass');
    shared.nowMs += 10_000;
    await claims(ledger, 2);
    expect(operations()).toHaveLength(7);
    expect(ledger.log.only('ledger.breaker_closed')).toEqual({ operation: 'claim' });
  });

  test('each operation has a circuit breaker of its own', async () => {
    const ledger = guarded();
    shared.front.decide(({ operation }) => (operation === 'PutItem' ? REFUSED : 'pass'));
    await claims(ledger, 6);
    shared.front.calls.length = 0;
    expect(await ledger.accept([newSubject()])).toEqual(new Map());
    expect(await ledger.timers(['timer_0'])).toEqual(new Map());
    expect(operations()).toEqual(['BatchGetItem', 'BatchWriteItem', 'BatchGetItem']);
  });

  test('throttling of a partition does not open it', async () => {
    const ledger = guarded();
    shared.front.decide(() => throttled);
    await claims(ledger, 8);
    expect(ledger.counter.counts).toEqual({ [METRICS.ledgerUnavailable]: 8 });
    expect(ledger.log.messages()).not.toContain('ledger.breaker_opened');
  });

  test('timers have none: a lead that was moved is not sent at its old time', async () => {
    const ledger = guarded();
    shared.front.decide(() => REFUSED);
    for (let made = 0; made < 8; made += 1) expect(await ledger.timers(['timer_0'])).toBeUndefined();
    expect(operations()).toHaveLength(8);
  });
});
