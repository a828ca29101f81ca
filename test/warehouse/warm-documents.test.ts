import { describe, expect, test } from '@jest/globals';
import {
  decodeMarker,
  decodeProgress,
  encodeMarker,
  encodeProgress,
  MARKER_SECONDS,
  WARM_ENTRY_SECONDS,
} from '../../lambdas/warehouse/warm-documents.ts';
import type { WarmMarker, WarmProgress } from '../../lambdas/warehouse/warming.ts';

const MARKER: WarmMarker = {
  token: '1768003200000000001',
  selectionId: 'a3f1',
  rows: 1_000_000,
  completedAt: '2026-01-10T09:15:00.000Z',
};
const PROGRESS: WarmProgress = {
  isShrinkAccepted: false,
  token: '1768003200000000001',
  selectionId: 'a3f1',
  queryId: '01b2c3d4-0000-1111-0000-222233334444',
  totalRows: 1_000_000,
  confirmedRows: 40_000,
  unreadableRows: 3,
  startedAt: '2026-01-10T09:00:00.000Z',
};

test('are decoded as they were encoded', () => {
  expect(decodeMarker(encodeMarker(MARKER))).toEqual(MARKER);
  expect(decodeProgress(encodeProgress(PROGRESS))).toEqual(PROGRESS);
});

test('of a later version are decoded: unknown fields are ignored', () => {
  expect(decodeMarker(JSON.stringify({ ...MARKER, later: 1 }))).toEqual(MARKER);
  expect(decodeProgress(JSON.stringify({ ...PROGRESS, later: 1 }))).toEqual(PROGRESS);
});

describe('that cannot be', () => {
  test.each<[string, object]>([
    ['a token that is a number', { token: 1_768_003_200_000_000_000 }],
    ['a token that is no number', { token: 'none' }],
    ['no selection', { selectionId: undefined }],
    ['a selection without a name', { selectionId: '' }],
    ['rows below 0', { rows: -1 }],
    ['a time that is none', { completedAt: 'yesterday' }],
  ])('a marker with %s', (_what, fields) => {
    expect(decodeMarker(JSON.stringify({ ...MARKER, ...fields }))).toBeUndefined();
    expect(() => encodeMarker({ ...MARKER, ...fields } as WarmMarker)).toThrow();
  });

  test.each<[string, object]>([
    ['a query id with other characters', { queryId: "01b2'; DROP" }],
    ['more rows confirmed than there are', { confirmedRows: 1_000_001 }],
    ['more unreadable rows than confirmed ones', { unreadableRows: 40_001 }],
    ['a half row', { confirmedRows: 0.5 }],
    ['a time that is none', { startedAt: 1_768_003_200_000 }],
  ])('a progress with %s', (_what, fields) => {
    expect(decodeProgress(JSON.stringify({ ...PROGRESS, ...fields }))).toBeUndefined();
    expect(() => encodeProgress({ ...PROGRESS, ...fields } as WarmProgress)).toThrow();
  });

  test.each(['', 'null', '[]', '"x"', '1', '{', '{"__proto__":{}}'])('the text %s', (text) => {
    expect([decodeMarker(text), decodeProgress(text)]).toEqual([undefined, undefined]);
  });
});

test('a marker outlives the entries that it outdates, those of a function included that ran for 15 minutes more', () => {
  expect(WARM_ENTRY_SECONDS).toBe(50 * 3_600);
  expect(MARKER_SECONDS).toBeGreaterThan(WARM_ENTRY_SECONDS + 15 * 60);
});
