import { expect, test } from '@jest/globals';
import { decide, hasShrunk, isContinuable, selectionIdOf } from '../../lambdas/warming/warm-rules.ts';
import { ENTERPRISE, NOW, OTHER_ENTERPRISE } from '../support/factories.ts';
import { tokenAt } from '../support/memory-warming.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;
const YESTERDAY = tokenAt(NOW - 30 * HOUR_MS);
const MARKER = {
  token: YESTERDAY,
  selectionId: 'same',
  rows: 1000,
  completedAt: new Date(NOW - 29 * HOUR_MS).toISOString(),
};

/** The decision for a table that was changed so many minutes ago. */
function decideAfter(minutes: number, marker: typeof MARKER | undefined = MARKER) {
  return decide({ marker, token: tokenAt(NOW - minutes * MINUTE_MS), selectionId: 'same', nowMs: NOW });
}

test('warms a changed table once it has been unchanged for 30 minutes', () => {
  expect([0, 29, 30, 600].map((minutes) => decideAfter(minutes))).toEqual([
    'waiting',
    'waiting',
    'table_changed',
    'table_changed',
  ]);
});

test('does nothing while the cache holds this version of the table for these enterprises', () => {
  expect(decide({ marker: MARKER, token: YESTERDAY, selectionId: 'same', nowMs: NOW })).toBe('current');
});

test('warms at once without a marker, and for another selection, also while the table changes', () => {
  const token = tokenAt(NOW - MINUTE_MS);
  expect(decide({ marker: undefined, token, selectionId: 'same', nowMs: NOW })).toBe('no_marker');
  expect(decide({ marker: MARKER, token, selectionId: 'other', nowMs: NOW })).toBe('selection_changed');
  expect(decide({ marker: MARKER, token: YESTERDAY, selectionId: 'other', nowMs: NOW })).toBe('selection_changed');
});

test('renews the entries of an unchanged table before they expire after 50 hours', () => {
  const situation = { marker: MARKER, token: YESTERDAY, selectionId: 'same' };
  const completedMs = Date.parse(MARKER.completedAt);
  expect(decide({ ...situation, nowMs: completedMs + 48 * HOUR_MS })).toBe('current');
  expect(decide({ ...situation, nowMs: completedMs + 48 * HOUR_MS + 1 })).toBe('expiring');
});

test('waits for a token of the near future, and not for one of the far future', () => {
  // Two clocks that disagree by less than 30 minutes agree soon. With more, waiting could take days.
  expect([-1, -29, -30, -10_000].map((minutes) => decideAfter(minutes))).toEqual([
    'waiting',
    'waiting',
    'table_changed',
    'table_changed',
  ]);
});

test('warms a table whose token goes back, and keeps a marker of the future', () => {
  expect(decideAfter(60 * 48)).toBe('table_changed');
  const future = { ...MARKER, completedAt: new Date(NOW + 100 * HOUR_MS).toISOString() };
  expect(decide({ marker: future, token: YESTERDAY, selectionId: 'same', nowMs: NOW })).toBe('current');
});

test('a changed table with under 80% of the rows has shrunk', () => {
  const token = tokenAt(NOW);
  const isShrunk = (rows: number, changes: object = {}) =>
    hasShrunk(rows, { marker: MARKER, token, selectionId: 'same', ...changes });
  expect([800, 799, 0].map((rows) => isShrunk(rows))).toEqual([false, true, true]);
  // Nothing to compare with, or other enterprises.
  expect(isShrunk(0, { marker: undefined })).toBe(false);
  expect(isShrunk(0, { selectionId: 'other' })).toBe(false);
  // The same table: only the days of activity have moved on.
  expect(isShrunk(0, { token: YESTERDAY })).toBe(false);
});

test('continues the progress of the same table and selection only', () => {
  const progress = {
    ...{ token: YESTERDAY, selectionId: 'same', queryId: 'query-1' },
    ...{ totalRows: 10, confirmedRows: 3, unreadableRows: 0, startedAt: new Date(NOW).toISOString() },
    isShrinkAccepted: false,
  };
  expect(isContinuable(progress, YESTERDAY, 'same')).toBe(true);
  expect(isContinuable(progress, tokenAt(NOW), 'same')).toBe(false);
  expect(isContinuable(progress, YESTERDAY, 'other')).toBe(false);
});

test('names a selection by all that decides what the query selects, and not by the order of enterprises', () => {
  const selection = { enterpriseIds: [ENTERPRISE, OTHER_ENTERPRISE], activeDays: 14, maxRows: 1000 };
  const source = { table: 'LEARNING_TIME' };
  const id = selectionIdOf(selection, source);
  expect(id).toMatch(/^[0-9a-f]{16}$/);
  expect(selectionIdOf({ ...selection, enterpriseIds: [OTHER_ENTERPRISE, ENTERPRISE] }, source)).toBe(id);
  const others = [
    selectionIdOf({ ...selection, enterpriseIds: [ENTERPRISE] }, source),
    selectionIdOf({ ...selection, activeDays: 15 }, source),
    selectionIdOf({ ...selection, maxRows: 999 }, source),
    selectionIdOf(selection, { table: 'OTHER' }),
  ];
  expect(new Set([id, ...others]).size).toBe(5);
});
