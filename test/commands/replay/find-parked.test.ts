import { beforeEach, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { readDocument } from '../../../commands/integration/integrations-document.ts';
import { findParked } from '../../../commands/replay/find-parked.ts';
import { PARKED_FOR } from '../../../lambdas/events/delivery.ts';
import type { LedgerRecord } from '../../../lambdas/ledger/record.ts';
import { eventOf, newRecord } from '../../../lambdas/ledger/transitions.ts';
import { NOW, subject } from '../../support/factories.ts';
import { createMemoryLedger, type MemoryLedger } from '../../support/memory-ledger.ts';

const ALWAYS = { from: new Date(0).toISOString(), until: new Date(NOW).toISOString() };
const PARKED_AT = new Date(NOW - 3600_000).toISOString();

let ledger: MemoryLedger;

beforeEach(() => {
  ledger = createMemoryLedger();
});

async function put(event_id: string, change: Partial<LedgerRecord> = {}): Promise<string> {
  const accepted = subject({ event_id, accepted_at: PARKED_AT, integration_id: change.integration_id ?? 'acme' });
  await ledger.putEvents([eventOf(accepted, NOW)]);
  const parked = { state: 'parked', parked_for: 'paused', parked_since: PARKED_AT, version: 2 } as const;
  await ledger.overwrite({ ...newRecord(accepted, NOW), ...parked, ...change });
  return accepted.webhook_id;
}

const entry = (id: string, fields: object = {}) => ({ id, url: `https://${id}.example`, ...fields });
const find = (id: string | undefined, integrations: readonly unknown[], fields: object = {}) =>
  findParked(ledger, readDocument(JSON.stringify({ integrations, ...fields })), id, ALWAYS);

test('of one that was resumed everything goes, of all of them what the pause alone kept', async () => {
  const kept = fc.record({ parked_for: fc.constantFrom(...PARKED_FOR), token: fc.constantFrom('g0-a1', undefined) });
  await fc.assert(
    fc.asyncProperty(fc.array(kept, { maxLength: 8 }), async (parked) => {
      ledger = createMemoryLedger();
      const ids: string[] = [];
      for (const { parked_for, token } of parked) {
        ids.push(await put(`${ids.length}`, { parked_for, ...(token !== undefined && { token }) }));
      }
      await put('other', { integration_id: 'globex' });
      await put('dead', { state: 'dead' });
      const ofOne = await find('acme', [entry('acme'), entry('globex')]);
      expect(ofOne.flatMap(({ webhookIds }) => webhookIds).toSorted()).toEqual(ids.toSorted());
      const ofAll = await find(undefined, [entry('acme')]);
      const paused = ids.filter((_, position) => parked[position]?.parked_for === 'paused');
      expect(ofAll.flatMap(({ webhookIds }) => webhookIds).toSorted()).toEqual(paused.toSorted());
    }),
    { numRuns: 40 },
  );
});

test.each([
  ['an integration that was resumed after the last failure', new Date(NOW).toISOString(), 1],
  ['an integration that was resumed before it', new Date(NOW - 2 * 3600_000).toISOString(), 0],
])('of all of them, where it is gone: %s', async (_, resumed_at, count) => {
  await put('1', { parked_for: 'gone' });
  expect(await find(undefined, [entry('acme', { resumed_at })])).toHaveLength(count);
});

test.each([
  ['not active', [entry('acme', { active: false })], {}],
  ['paused by itself', [entry('acme', { paused: true })], {}],
  ['paused together with all', [entry('acme')], { paused: true }],
  ['not in the document any more', [entry('globex')], {}],
  ['an entry that does not fit', [{ id: 'acme', url: 'nowhere' }], {}],
])('nothing goes to one that takes nothing: %s', async (_, integrations, fields) => {
  await put('1');
  expect(await find('acme', integrations, fields)).toEqual([]);
  expect(await find(undefined, integrations, fields)).toEqual([]);
});

test.each([
  [undefined, 10],
  [60, 1],
  [1, 1 / 60],
  [6_000, 100],
  [60_000, 100],
])('a limit of %p a minute: %d a second', async (max_requests_per_minute, perSecond) => {
  await put('1');
  const [parked] = await find('acme', [entry('acme', { max_requests_per_minute })]);
  expect(parked?.perSecond).toBeCloseTo(perSecond);
});

test('what the list still has as parked, and its record not, stays', async () => {
  const id = await put('1', { state: 'delivered' });
  ledger.listRecords = async function* () {
    yield {
      ...{ webhook_id: id, integration_id: 'acme', event_type: 'course_completion', accepted_at: PARKED_AT },
      ...{ state: 'parked', generation: 0, attempt: 0, changed_at: PARKED_AT },
    };
  };
  expect(await find('acme', [entry('acme')])).toEqual([]);
});
