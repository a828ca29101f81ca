import { describe, expect, test } from '@jest/globals';
import { LISTED_AFTER_MS, LISTED_AGAIN_MS } from '../../lambdas/ledger/open-entry.ts';
import type { LedgerDay, Span } from '../../lambdas/ledger/ports.ts';
import { reconcileReportSchema } from '../../lambdas/ledger/reconciliation.ts';
import type { LedgerRecord } from '../../lambdas/ledger/record.ts';
import { rejectionText } from '../../lambdas/limiter/rejection.ts';
import { LedgerUnavailable } from '../../lambdas/shared/errors.ts';
import { METRICS } from '../../lambdas/shared/metric-definitions.ts';
import { integration, NOW } from '../support/factories.ts';
import { DAY, HOUR, isoAgo, MINUTE, reconcileFixture } from '../support/reconcile-fixture.ts';

type Fixture = ReturnType<typeof reconcileFixture>;

const run = (fixture: Fixture, remainingMs?: () => number) => fixture.run({ incremental: true }, remainingMs);

/** A fixture that was reconciled some time ago, and records which spans each later run lists. */
async function reconciled(agoMs = HOUR, integrations = [integration()]) {
  const fixture = reconcileFixture(integrations);
  fixture.clock.nowMs = NOW - agoMs;
  await run(fixture);
  fixture.clock.nowMs = NOW;
  const listed: (LedgerDay & Span)[] = [];
  fixture.table = {
    ...fixture.ledger,
    listPart(day, span) {
      listed.push({ ...day, ...span });
      return fixture.ledger.listPart(day, span);
    },
  };
  return { fixture, listed };
}

/** The fixture's table, in which one record does not match its schema. */
function unreadableAt(webhookId: string, { ledger }: Fixture): Fixture['table'] {
  const refuse = () => Promise.reject(new LedgerUnavailable(`records: the item of ${webhookId} cannot be read`));
  return {
    ...ledger,
    record: (id) => (id === webhookId ? refuse() : ledger.record(id)),
    records: (ids) => ([...ids].includes(webhookId) ? refuse() : ledger.records(ids)),
  };
}

const openIds = (fixture: Fixture) => fixture.ledger.allOpen().map(({ webhook_id }) => webhook_id);

async function change(fixture: Fixture, id: string, to: Partial<LedgerRecord> & Pick<LedgerRecord, 'state'>) {
  const before = (await fixture.ledger.record(id)) as LedgerRecord;
  const times = { ...before.times, [to.state]: new Date(fixture.clock.nowMs).toISOString() };
  await fixture.ledger.overwrite({ ...before, times, version: before.version + 1, ...to });
}

describe('an incremental run', () => {
  test('counts what closed in the last hour and everything that is open, and writes entries only for that', async () => {
    const { fixture } = await reconciled(HOUR, [integration(), integration({ id: 'umbrella', paused: true })]);
    for (const state of ['delivered', 'dead', 'filtered', 'cancelled'] as const)
      await fixture.put(state, { agoMs: 40 * MINUTE, state });
    const open = [
      await fixture.put('parked', { agoMs: 40 * MINUTE, state: 'parked', integrationId: 'umbrella' }),
      await fixture.put('scheduled', {
        agoMs: 30 * MINUTE,
        state: 'scheduled',
        record: { token: 'g0', due_at: isoAgo(-DAY) },
      }),
      await fixture.put('unclaimed', { agoMs: 10 * MINUTE }),
    ];
    await fixture.put('since', { agoMs: LISTED_AFTER_MS - 1 });

    const report = reconcileReportSchema.parse(await run(fixture));
    expect(report).toMatchObject({ from: isoAgo(HOUR + LISTED_AFTER_MS), until: isoAgo(LISTED_AFTER_MS) });
    expect(report).toMatchObject({
      ...{ accepted: 7, integrations: 2, in_flight: 1, is_balanced: true, is_complete: true },
      states: { delivered: 1, dead: 1, filtered: 1, cancelled: 1, parked: 1, scheduled: 1 },
    });
    expect(openIds(fixture)).toEqual(open);
  });

  test('lists the hour since the last run, once, and again what the index may have listed late', async () => {
    const { fixture, listed } = await reconciled();
    await fixture.put('a', { agoMs: 40 * MINUTE, state: 'delivered' });
    for (const hours of [0, 1]) {
      fixture.clock.nowMs = NOW + hours * HOUR;
      await run(fixture);
    }
    const day = { integrationId: 'acme', day: '2026-01-15' };
    // A day that is new in the directory is listed from its beginning.
    expect(listed).toEqual([
      { ...day, from: '2026-01-15T00:00:00.000Z', until: isoAgo(LISTED_AFTER_MS) },
      { ...day, from: isoAgo(LISTED_AFTER_MS + LISTED_AGAIN_MS), until: isoAgo(LISTED_AFTER_MS - HOUR) },
    ]);
  });

  test('finds a delivery of a day that the directory lists later, since the table did not take the first event', async () => {
    const { fixture } = await reconciled(3 * HOUR);
    const id = await fixture.put('parked', { agoMs: 150 * MINUTE, state: 'scheduled', record: { token: 'g0' } });
    fixture.ledger.dropEvent(id);
    const { days } = fixture.ledger;
    fixture.table = { ...fixture.table, days: async () => [] };
    expect(await run(fixture)).toMatchObject({ accepted: 0 });
    fixture.table = { ...fixture.table, days };
    fixture.clock.nowMs += HOUR;
    expect(await run(fixture)).toMatchObject({ unbalanced: 1, stuck: [{ webhook_id: id }] });
  });

  test('finds an event that the index listed a quarter of an hour late', async () => {
    const { fixture } = await reconciled(2 * HOUR);
    await fixture.put('first of the day', { agoMs: 100 * MINUTE, state: 'delivered' });
    fixture.clock.nowMs = NOW - HOUR;
    await run(fixture);
    fixture.clock.nowMs = NOW;
    const id = await fixture.put('late', { agoMs: HOUR + LISTED_AFTER_MS + LISTED_AGAIN_MS });
    expect(await run(fixture)).toMatchObject({ stuck: [{ webhook_id: id, action: 'resent' }] });
  });

  test('counts a delivery whose record cannot be read as unbalanced, and resends the others', async () => {
    const { fixture } = await reconciled();
    const unreadable = await fixture.put('unreadable', { agoMs: 50 * MINUTE, state: 'accepted' });
    const lost = await fixture.put('lost', { agoMs: 50 * MINUTE, state: 'accepted' });
    fixture.table = unreadableAt(unreadable, fixture);
    expect(await run(fixture)).toMatchObject({ unbalanced: 2, stuck: [{ webhook_id: lost, action: 'resent' }] });
    expect(fixture.log.only('ledger.record_unreadable')).toEqual({ webhook_id: unreadable });
    expect(openIds(fixture)).toContain(unreadable);
  });

  test('removes the entry of a delivery that has closed, and counts it for the last time', async () => {
    const { fixture } = await reconciled();
    const id = await fixture.put('a', { agoMs: 20 * MINUTE, state: 'delivering', record: { lease_until: isoAgo(0) } });
    expect(await run(fixture)).toMatchObject({ accepted: 1, in_flight: 1 });
    await change(fixture, id, { state: 'delivered' });
    fixture.clock.nowMs += HOUR;
    expect(await run(fixture)).toMatchObject({ accepted: 1, states: { delivered: 1 } });
    expect(openIds(fixture)).toEqual([]);
    fixture.clock.nowMs += HOUR;
    expect(await run(fixture)).toMatchObject({ accepted: 0 });
  });

  test('counts a delivery once that is listed again when it has closed', async () => {
    const { fixture } = await reconciled();
    const id = await fixture.put('a', { agoMs: 10 * MINUTE, state: 'scheduled', record: { token: 'g0' } });
    await fixture.put('b', { agoMs: 10 * MINUTE, state: 'delivered' });
    expect(await run(fixture)).toMatchObject({ accepted: 2, states: { scheduled: 1, delivered: 1 } });
    await change(fixture, id, { state: 'delivered' });
    fixture.clock.nowMs += HOUR;
    expect(await run(fixture)).toMatchObject({ accepted: 1, states: { delivered: 1 } });
  });

  test('finds a delivery within the hour whose record says in flight and whose message is gone', async () => {
    const { fixture } = await reconciled();
    const hidden = { state: 'delivering', record: { version: 1, lease_until: isoAgo(20 * MINUTE) } } as const;
    const id = await fixture.put('hidden', { agoMs: 29 * MINUTE, ...hidden });
    expect(await run(fixture)).toMatchObject({ in_flight: 1, stuck: [] });
    fixture.clock.nowMs += HOUR;
    const report = await run(fixture);
    expect(report.stuck).toMatchObject([{ webhook_id: id, state: 'delivering', action: 'resent' }]);
    expect(fixture.sent).toMatchObject([{ id }]);
    expect(fixture.counter.counts).toMatchObject({ [METRICS.ledgerUnbalanced]: 1, [METRICS.ledgerResent]: 1 });
  });

  test('trusts a record and not the list, which is eventually consistent', async () => {
    const { fixture } = await reconciled();
    await fixture.put('a', { agoMs: 40 * MINUTE, state: 'delivered' });
    fixture.table = {
      ...fixture.ledger,
      async *listPart(day, span) {
        for await (const entry of fixture.ledger.listPart(day, span)) if (entry.kind === 'event') yield entry;
      },
    };
    expect(await run(fixture)).toMatchObject({ accepted: 1, states: { delivered: 1 }, is_balanced: true });
    expect(openIds(fixture)).toEqual([]);
  });

  test('counts a delivery once that has several entries, and removes all of them', async () => {
    const { fixture } = await reconciled();
    const id = await fixture.put('a', { agoMs: 40 * MINUTE, state: 'accepted', changedAgoMs: MINUTE });
    const entry = { webhook_id: id, integration_id: 'acme', accepted_at: isoAgo(40 * MINUTE), since: isoAgo(HOUR) };
    await fixture.ledger.putOpen(entry);
    expect(await run(fixture)).toMatchObject({ accepted: 1, in_flight: 1 });
    await change(fixture, id, { state: 'dead' });
    fixture.clock.nowMs += HOUR;
    expect(await run(fixture)).toMatchObject({ accepted: 1, states: { dead: 1 } });
    expect(openIds(fixture)).toEqual([]);
  });

  test('leaves a new entry of a closed delivery: its writer may be about to reopen it', async () => {
    const { fixture } = await reconciled();
    const id = await fixture.put('a', { agoMs: 10 * DAY, state: 'delivered' });
    await fixture.ledger.putOpen({
      ...{ webhook_id: id, integration_id: 'acme', accepted_at: isoAgo(10 * DAY) },
      since: isoAgo(LISTED_AFTER_MS - 1),
    });
    expect(await run(fixture)).toMatchObject({ accepted: 0 });
    await change(fixture, id, { state: 'accepted', generation: 1 });
    fixture.clock.nowMs += HOUR;
    expect(await run(fixture)).toMatchObject({ stuck: [{ webhook_id: id, action: 'resent' }] });
  });

  test('forgets a delivery without a record whose event an operator deleted, but no record without an event', async () => {
    const { fixture } = await reconciled();
    const ids = [
      await fixture.put('never claimed', { agoMs: 40 * MINUTE }),
      await fixture.put('accepted', { agoMs: 40 * MINUTE, state: 'accepted' }),
    ];
    await fixture.put('in flight', { agoMs: 20 * MINUTE });
    expect(await run(fixture)).toMatchObject({ unbalanced: 2, in_flight: 1 });
    fixture.clock.nowMs += 2 * HOUR;
    for (const [at, id] of ids.entries()) {
      await fixture.ledger.forget(id);
      if (at === 0) fixture.ledger.dropRecord(id);
    }
    const report = await run(fixture);
    expect(report.stuck).toMatchObject([{ webhook_id: ids[1], action: 'impossible' }, { action: 'resent' }]);
    expect(openIds(fixture)).not.toContain(ids[0]);
  });

  test('fails while the table is down, and lists the same again', async () => {
    const { fixture } = await reconciled();
    const id = await fixture.put('lost', { agoMs: 40 * MINUTE });
    const { current } = fixture.progress.stored;
    fixture.table = { ...fixture.ledger, putAllOpen: () => Promise.reject(new LedgerUnavailable('putAllOpen: no')) };
    await expect(run(fixture)).rejects.toMatchObject({ name: 'LedgerUnavailable' });
    expect(fixture.progress.stored.current).toBe(current);
    fixture.table = fixture.ledger;
    expect(await run(fixture)).toMatchObject({ stuck: [{ webhook_id: id }] });
  });

  test.each([{ days: 2 }, { dry_run: true }, { integration_id: 'acme' }])('refuses %j', async (input) => {
    const refusal = expect(reconcileFixture().run({ incremental: true, ...input })).rejects;
    await refusal.toMatchObject({ name: 'InputInvalid', message: expect.stringMatching(/incremental/) });
  });
});

describe('parked deliveries of an incremental run', () => {
  test('are released and ended, as in any run', async () => {
    const { fixture } = await reconciled(75 * HOUR);
    const paused = { agoMs: 74 * HOUR, state: 'parked' } as const;
    const [, over] = [
      await fixture.put('rests', { ...paused, changedAgoMs: HOUR, record: { parked_for: 'paused' } }),
      await fixture.put('over', { ...paused, record: { parked_for: 'gone', parked_since: isoAgo(73 * HOUR) } }),
    ];
    expect(await run(fixture)).toMatchObject({ released: 1, ended: 1, states: { parked: 2 }, is_balanced: true });
    expect(fixture.deadLetters).toMatchObject([{ id: over }]);
    fixture.clock.nowMs += MINUTE;
    expect(await run(fixture)).toMatchObject({ released: 0, ended: 0, states: { dead: 1 }, in_flight: 1 });
  });

  test('are all released if their endpoint has delivered since, in this run or an earlier one', async () => {
    const { fixture } = await reconciled(3 * HOUR);
    fixture.registry = undefined;
    for (const name of ['a', 'b', 'c']) {
      await fixture.put(name, { agoMs: 150 * MINUTE, state: 'parked', record: { parked_for: 'failing' } });
    }
    await fixture.put('healthy', { agoMs: 130 * MINUTE, state: 'delivered' });
    expect(await run(fixture)).toMatchObject({ released: 0 });
    const other = reconcileFixture();
    Object.assign(fixture, { registry: other.registry });
    fixture.clock.nowMs += HOUR;
    expect(await run(fixture)).toMatchObject({ released: 3 });
  });

  test('show no state that a delivery of an earlier run has ended', async () => {
    const { fixture } = await reconciled(4 * HOUR);
    fixture.registry = undefined;
    const record = { parked_for: 'failing', reason: `parked: ${rejectionText('acme', 'failing')}` } as const;
    await fixture.put('parked', { agoMs: 200 * MINUTE, state: 'parked', record });
    await fixture.put('delivered', { agoMs: 190 * MINUTE, state: 'delivered' });
    await run(fixture);
    fixture.clock.nowMs += HOUR;
    await run(fixture);
    expect(fixture.notices.announced).toEqual([]);
    await fixture.put('later', { agoMs: -50 * MINUTE, state: 'parked', record });
    fixture.clock.nowMs += HOUR;
    await run(fixture);
    expect(fixture.notices.announced).toEqual(['acme parked endpoint_failing']);
  });
});

describe('the progress of incremental runs', () => {
  const behind = (fixture: Fixture) =>
    fixture.counter.measured.filter(([name]) => name === METRICS.ledgerBehind).map(([, seconds]) => seconds);

  test('starts with the oldest events that are stored', async () => {
    const fixture = reconcileFixture();
    const old = await fixture.put('old', { agoMs: 29 * DAY });
    const report = await run(fixture);
    expect(report).toMatchObject({ stuck: [{ webhook_id: old, action: 'resent' }], is_complete: true });
    expect(behind(fixture)).toEqual([LISTED_AFTER_MS / 1000]);
  });

  test('after missed runs continues with the oldest hour, then longer parts while they have few deliveries, in half of the time', async () => {
    const { fixture, listed } = await reconciled(6 * HOUR);
    for (const hours of [5.5, 4.5, 3.5, 0.5])
      await fixture.put(`h${hours}`, { agoMs: hours * HOUR, state: 'delivered' });
    const ago = (hours: number) => isoAgo(hours * HOUR + LISTED_AFTER_MS);
    let partsLeft = 2;
    const { write } = fixture.progress;
    fixture.progress.write = async (progress) => {
      partsLeft -= 1;
      await write(progress);
    };
    const first = await run(fixture, () => (partsLeft > 0 ? 15 : 6) * MINUTE);
    expect(first).toMatchObject({ states: { delivered: 3 }, is_complete: false });
    expect(listed.map(({ until }) => until)).toEqual([ago(5), ago(3)]);
    expect(behind(fixture).at(-1)).toBe((3 * HOUR + LISTED_AFTER_MS) / 1000);

    expect(await run(fixture)).toMatchObject({ states: { delivered: 1 }, is_complete: true });
    expect(listed.slice(2).map(({ until }) => until)).toEqual([ago(2), ago(0)]);
    expect(behind(fixture).at(-1)).toBe(LISTED_AFTER_MS / 1000);
  });

  test('stays where it is if time runs out within an hour, and the open deliveries are not all read', async () => {
    const { fixture } = await reconciled();
    for (let index = 0; index < 5; index += 1) await fixture.put(`e${index}`, { agoMs: 40 * MINUTE });
    const before = fixture.progress.stored.current;
    let left = 4;
    expect(await run(fixture, () => (left-- > 0 ? 15 * MINUTE : 0))).toMatchObject({ is_complete: false });
    expect(fixture.progress.stored.current).toEqual(before);
    expect(await run(fixture)).toMatchObject({ accepted: 5, resent: 5, is_complete: true });
  });

  test('reports that it is behind while runs have no time to read every open delivery', async () => {
    const { fixture } = await reconciled();
    await fixture.put('a', { agoMs: 40 * MINUTE });
    for (const hours of [0, 1, 2]) {
      fixture.clock.nowMs = NOW + hours * HOUR;
      let isListed = false;
      fixture.table = {
        ...fixture.ledger,
        openEntries(partition) {
          isListed = true;
          return fixture.ledger.openEntries(partition);
        },
      };
      await run(fixture, () => (isListed ? 0 : 15 * MINUTE));
    }
    expect(behind(fixture).slice(1)).toEqual([HOUR / 1000, (2 * HOUR) / 1000, (3 * HOUR) / 1000]);
  });

  test.each([
    ['a day', DAY],
    ['more than is listed again', LISTED_AGAIN_MS + MINUTE],
  ])(
    'of a run whose clock was %s ahead is not used: the next run starts over, and skips nothing',
    async (_, aheadMs) => {
      const { fixture } = await reconciled(-aheadMs);
      const id = await fixture.put('meanwhile', { agoMs: 40 * MINUTE });
      expect(await run(fixture)).toMatchObject({ stuck: [{ webhook_id: id }] });
      expect(behind(fixture).at(-1)).toBe(LISTED_AFTER_MS / 1000);
    },
  );

  test('does not go back for a run that starts a moment after another one, on a clock that is a minute late', async () => {
    const { fixture, listed } = await reconciled(-MINUTE);
    await fixture.put('a', { agoMs: 40 * MINUTE, state: 'delivered' });
    const before = fixture.progress.stored.current?.listedUntilMs;
    expect(await run(fixture)).toMatchObject({ accepted: 0, is_complete: true });
    expect(listed).toEqual([]);
    expect(fixture.progress.stored.current?.listedUntilMs).toBe(before);
  });
});
