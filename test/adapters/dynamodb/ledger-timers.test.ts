import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { createLedgerTable } from '../../../lambdas/adapters/dynamodb/ledger-table.ts';
import { LEDGER_TABLE } from '../../../lambdas/contract/ledger.ts';
import type { LedgerTable } from '../../../lambdas/contract/ledger-ports.ts';
import type { Timer } from '../../../lambdas/contract/timer.ts';
import { timerKey } from '../../../lambdas/domain/identity.ts';
import { clientOf, type LedgerServer, startLedgerServer } from '../../support/dynamodb.ts';
import { NOW } from '../../support/factories.ts';

const DAY_SECONDS = 24 * 3600;
const at = (ms: number) => new Date(NOW + ms).toISOString();

let server: LedgerServer;
let table: LedgerTable;
beforeAll(async () => {
  server = await startLedgerServer();
});
beforeEach(() => {
  table = createLedgerTable({
    client: clientOf(server.endpoint, { maxAttempts: 1 }),
    tableName: server.tableName,
    payloadDays: 30,
    factsDays: 400,
  });
});
afterAll(() => server.close());

let users = 0;
function newTimer(overrides: Partial<Timer> = {}): Timer {
  users += 1;
  const key = timerKey('acme', 'lead', String(users));
  return { key, webhook_id: `wh_${users}`, integration_id: 'acme', latest_at: at(0), generation: 0, ...overrides };
}
const standing = async ({ key }: Timer) => (await table.timers([key])).get(key);

describe('a timer', () => {
  test('is read as it was written; those that are not there are left out, and asked for once', async () => {
    const [waits, sent] = [newTimer({ due_at: at(60_000), generation: 2 }), newTimer()];
    expect(await table.keepTimer(waits)).toBe(true);
    await table.keepTimer(sent);
    const found = await table.timers([waits.key, sent.key, newTimer().key, waits.key]);
    expect(found).toEqual(new Map([waits, sent].map((timer) => [timer.key, timer])));
    expect(await table.timers([])).toEqual(new Map());
  });

  test('gives way to a later event alone', async () => {
    const first = newTimer();
    await table.keepTimer(first);
    const [earlier, same, later] = [-1, 0, 1].map((ms) => ({ ...first, webhook_id: 'wh_other', latest_at: at(ms) }));
    expect(await table.keepTimer(earlier as Timer)).toBe(false);
    expect(await table.keepTimer(same as Timer)).toBe(false);
    expect(await standing(first)).toEqual(first);
    expect(await table.keepTimer(later as Timer)).toBe(true);
    expect(await standing(first)).toEqual(later);
  });

  test('changes for its own event, whose moment has come or is another', async () => {
    const waits = newTimer({ due_at: at(60_000) });
    await table.keepTimer(waits);
    const { due_at, ...awake } = waits;
    expect(await table.keepTimer(awake)).toBe(true);
    expect(await standing(waits)).toEqual(awake);
  });

  test('that waits gives way to a later publication of its event, and to no earlier one', async () => {
    const waits = newTimer({ due_at: at(60_000) });
    await table.keepTimer(waits);
    const moved = { ...waits, latest_at: at(5), due_at: at(30_000) };
    expect(await table.keepTimer(moved)).toBe(true);
    expect(await table.keepTimer(waits)).toBe(false);
    expect(await table.keepTimer({ ...moved, due_at: at(90_000) })).toBe(true);
    expect(await standing(waits)).toEqual({ ...moved, due_at: at(90_000) });
  });

  test('that waits gives way to no lower generation of its event, however late that was published', async () => {
    const higher = newTimer({ due_at: at(60_000), generation: 2 });
    await table.keepTimer(higher);
    expect(await table.keepTimer({ ...higher, latest_at: at(5), generation: 1 })).toBe(false);
    expect(await table.keepTimer({ ...higher, latest_at: at(5), generation: 2 })).toBe(true);
    // Another event's generation says nothing of its own.
    expect(await table.keepTimer({ ...higher, webhook_id: 'wh_other', latest_at: at(6), generation: 0 })).toBe(true);
  });

  test('outlives whatever it may have to cancel, and no more', async () => {
    const waits = newTimer({ due_at: at(3600_000) });
    await table.keepTimer(waits);
    const item = await server.item(waits.key, 'timer');
    expect(item?.[LEDGER_TABLE.expiry]).toBe(Math.floor((NOW + 3600_000) / 1000) + 16 * DAY_SECONDS);
  });

  test('that nobody can read is as if there were none', async () => {
    const odd = newTimer({ generation: -1 });
    await table.keepTimer(odd);
    expect(await standing(odd)).toBeUndefined();
  });
});

test('what waits and is overdue is listed, as it stands', async () => {
  const due = Array.from({ length: 20 }, (_, index) => newTimer({ due_at: at(-DAY_SECONDS * 1000 - index) }));
  const woken = newTimer({ due_at: at(-DAY_SECONDS * 1000) });
  const moved = newTimer({ due_at: at(-DAY_SECONDS * 1000) });
  for (const timer of [...due, woken, moved, newTimer({ due_at: at(60_000) })]) await table.keepTimer(timer);
  await table.keepTimer({ ...woken, due_at: undefined });
  await table.keepTimer({ ...moved, due_at: at(60_000) });
  const found = await table.overdueTimers(NOW - DAY_SECONDS * 1000);
  expect(found.toSorted((one, other) => (one.key < other.key ? -1 : 1))).toEqual(
    due.toSorted((one, other) => (one.key < other.key ? -1 : 1)),
  );
});

test('what waits is counted, what is due apart; what was sent, or has woken, is not', async () => {
  const before = await table.countTimers(NOW);
  const due = newTimer({ due_at: at(-1) });
  const now = newTimer({ due_at: at(0) });
  const waits = Array.from({ length: 20 }, (_, index) => newTimer({ due_at: at(1 + index) }));
  for (const timer of [due, now, newTimer(), ...waits]) await table.keepTimer(timer);
  expect(await table.countTimers(NOW)).toEqual({ waiting: before.waiting + 22, overdue: before.overdue + 2 });
  const { due_at, ...awake } = due;
  await table.keepTimer(awake);
  await table.keepTimer({ ...(waits[0] as Timer), webhook_id: 'wh_hot', latest_at: at(5), due_at: undefined });
  expect(await table.countTimers(NOW)).toEqual({ waiting: before.waiting + 20, overdue: before.overdue + 1 });
});

test('a table that does not answer is said to be so', async () => {
  const unreachable = createLedgerTable({
    client: clientOf('http://127.0.0.1:1', { maxAttempts: 1 }),
    tableName: 'ledger',
    payloadDays: 30,
    factsDays: 400,
  });
  for (const call of [
    unreachable.timers([newTimer().key]),
    unreachable.keepTimer(newTimer()),
    unreachable.countTimers(NOW),
  ]) {
    await expect(call).rejects.toMatchObject({ name: 'LedgerUnavailable' });
  }
});
