import { describe, expect, test } from '@jest/globals';
import { timerKey } from '../../../lambdas/events/identity.ts';
import { LEDGER_TABLE } from '../../../lambdas/ledger/record.ts';
import type { Timer } from '../../../lambdas/ledger/timer.ts';
import { NOW } from '../../support/factories.ts';
import { sharedLedgerTable } from '../../support/ledger-table.ts';

const DAY_SECONDS = 24 * 3600;
const at = (ms: number) => new Date(NOW + ms).toISOString();

const ledger = sharedLedgerTable();

let users = 0;
function newTimer(overrides: Partial<Timer> = {}): Timer {
  users += 1;
  const key = timerKey('acme', 'lead', String(users));
  return { key, webhook_id: `wh_${users}`, integration_id: 'acme', latest_at: at(0), generation: 0, ...overrides };
}
const standing = async ({ key }: Timer) => (await ledger.table.timers([key])).get(key);

describe('a timer', () => {
  test('is read as it was written; missing ones are omitted, and read once', async () => {
    const [waits, sent] = [newTimer({ due_at: at(60_000), generation: 2 }), newTimer()];
    expect(await ledger.table.putTimer(waits)).toBe(true);
    await ledger.table.putTimer(sent);
    const found = await ledger.table.timers([waits.key, sent.key, newTimer().key, waits.key]);
    expect(found).toEqual(new Map([waits, sent].map((timer) => [timer.key, timer])));
    expect(await ledger.table.timers([])).toEqual(new Map());
  });

  test('is replaced by a later event only', async () => {
    const first = newTimer();
    await ledger.table.putTimer(first);
    const [earlier, same, later] = [-1, 0, 1].map((ms) => ({ ...first, webhook_id: 'wh_other', latest_at: at(ms) }));
    expect(await ledger.table.putTimer(earlier as Timer)).toBe(false);
    expect(await ledger.table.putTimer(same as Timer)).toBe(false);
    expect(await standing(first)).toEqual(first);
    expect(await ledger.table.putTimer(later as Timer)).toBe(true);
    expect(await standing(first)).toEqual(later);
  });

  test('changes for its own event, which has fired or was moved', async () => {
    const waits = newTimer({ due_at: at(60_000) });
    await ledger.table.putTimer(waits);
    const { due_at, ...awake } = waits;
    expect(await ledger.table.putTimer(awake)).toBe(true);
    expect(await standing(waits)).toEqual(awake);
  });

  test('that waits is replaced by a later publication of its event, and by no earlier one', async () => {
    const waits = newTimer({ due_at: at(60_000) });
    await ledger.table.putTimer(waits);
    const moved = { ...waits, latest_at: at(5), due_at: at(30_000) };
    expect(await ledger.table.putTimer(moved)).toBe(true);
    expect(await ledger.table.putTimer(waits)).toBe(false);
    expect(await ledger.table.putTimer({ ...moved, due_at: at(90_000) })).toBe(true);
    expect(await standing(waits)).toEqual({ ...moved, due_at: at(90_000) });
  });

  test('that waits is never replaced by a lower generation of its event, however late it was published', async () => {
    const higher = newTimer({ due_at: at(60_000), generation: 2 });
    await ledger.table.putTimer(higher);
    expect(await ledger.table.putTimer({ ...higher, latest_at: at(5), generation: 1 })).toBe(false);
    expect(await ledger.table.putTimer({ ...higher, latest_at: at(5), generation: 2 })).toBe(true);
    // Another event's generation is irrelevant.
    expect(await ledger.table.putTimer({ ...higher, webhook_id: 'wh_other', latest_at: at(6), generation: 0 })).toBe(
      true,
    );
  });

  test('expires after every execution that it may cancel', async () => {
    const waits = newTimer({ due_at: at(3600_000) });
    await ledger.table.putTimer(waits);
    const item = await ledger.server.item(waits.key, 'timer');
    expect(item?.[LEDGER_TABLE.expiry]).toBe(Math.floor((NOW + 3600_000) / 1000) + 16 * DAY_SECONDS);
  });

  test('that cannot be read is treated as missing', async () => {
    const odd = newTimer({ generation: -1 });
    await ledger.table.putTimer(odd);
    expect(await standing(odd)).toBeUndefined();
  });
});

test('waiting and overdue timers are listed, as the table has them', async () => {
  const due = Array.from({ length: 20 }, (_, index) => newTimer({ due_at: at(-DAY_SECONDS * 1000 - index) }));
  const fired = newTimer({ due_at: at(-DAY_SECONDS * 1000) });
  const moved = newTimer({ due_at: at(-DAY_SECONDS * 1000) });
  for (const timer of [...due, fired, moved, newTimer({ due_at: at(60_000) })]) await ledger.table.putTimer(timer);
  await ledger.table.putTimer({ ...fired, due_at: undefined });
  await ledger.table.putTimer({ ...moved, due_at: at(60_000) });
  const found = await ledger.table.overdueTimers(NOW - DAY_SECONDS * 1000);
  expect(found.toSorted((one, other) => (one.key < other.key ? -1 : 1))).toEqual(
    due.toSorted((one, other) => (one.key < other.key ? -1 : 1)),
  );
});

test('waiting timers are counted, due ones separately; fired ones are not', async () => {
  const before = await ledger.table.countTimers(NOW);
  const due = newTimer({ due_at: at(-1) });
  const now = newTimer({ due_at: at(0) });
  const waits = Array.from({ length: 20 }, (_, index) => newTimer({ due_at: at(1 + index) }));
  for (const timer of [due, now, newTimer(), ...waits]) await ledger.table.putTimer(timer);
  expect(await ledger.table.countTimers(NOW)).toEqual({ waiting: before.waiting + 22, overdue: before.overdue + 2 });
  const { due_at, ...awake } = due;
  await ledger.table.putTimer(awake);
  await ledger.table.putTimer({ ...(waits[0] as Timer), webhook_id: 'wh_hot', latest_at: at(5), due_at: undefined });
  expect(await ledger.table.countTimers(NOW)).toEqual({ waiting: before.waiting + 20, overdue: before.overdue + 1 });
});
