import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { enterpriseChanges, formatPosition } from '../../../commands/flag/enterprise-changes.ts';
import {
  changesText,
  type EnterpriseRow,
  evaluateRows,
  filterRows,
  type KnownEnterprise,
  mergeEnterprises,
  PAGE_ROWS,
  pageCount,
  pageOf,
  positionsOf,
  SORTED_BY,
  sortRows,
} from '../../../console/rollout/enterprises.ts';
import { bucket, evaluateFlag } from '../../../lambdas/flag/evaluate-flag.ts';

const id = fc.stringMatching(/^[a-z0-9_-]{1,12}$/);
const ids = fc.uniqueArray(id, { maxLength: 20 });
const percentage = fc.integer({ min: 0, max: 100 });
const flag = fc.record({
  enabled: fc.boolean(),
  rollout_percentage: percentage,
  pilot_enterprises: fc.array(id, { maxLength: 5 }),
  cache_ttl_seconds: fc.constant(3600),
});

function positioned(list: readonly string[]): readonly KnownEnterprise[] {
  return list.map((one) => ({ id: one, position: bucket(one), sources: ['integration'] }));
}

const ADOPTION = { withLearningTime: 3, flagOff: 1, otherwise: 2, firstUse: undefined };

test('a change of the flag says how many known enterprises it concerns, or that none is known', () => {
  expect(changesText({ on: ['a'], off: [], had: 1, have: 2 }, 2)).toBe(
    '1 of 2 known enterprises change: on for 1, then for 2',
  );
  expect(changesText({ on: [], off: [], had: 0, have: 0 }, 0)).toMatch(/is not known\.$/);
});

describe('the flag on the page', () => {
  test('is for each enterprise what it is in functions', () => {
    fc.assert(
      fc.property(flag, ids, (deployed, known) => {
        for (const { id: one, isOn } of evaluateRows(deployed, positioned(known))) {
          expect(isOn).toBe(evaluateFlag(deployed, one).isOn);
        }
      }),
    );
  });

  test('raising the percentage disables no enterprise, lowering it enables none, and the rest keep it', () => {
    fc.assert(
      fc.property(flag, percentage, ids, (before, to, known) => {
        const after = { ...before, rollout_percentage: to };
        const { on, off, had, have } = enterpriseChanges(before, after, known, positionsOf(positioned(known)));
        if (to >= before.rollout_percentage) expect(off).toEqual([]);
        if (to <= before.rollout_percentage) expect(on).toEqual([]);
        expect(have).toBe(had + on.length - off.length);
        expect(on.every((one) => !evaluateFlag(before, one).isOn && evaluateFlag(after, one).isOn)).toBe(true);
        expect(off.every((one) => evaluateFlag(before, one).isOn && !evaluateFlag(after, one).isOn)).toBe(true);
      }),
    );
  });

  test('an enterprise whose position the page has not read is not within any percentage', () => {
    const on = { enabled: true, rollout_percentage: 99, pilot_enterprises: [] };
    expect(enterpriseChanges(on, { ...on, enabled: false }, ['unread'], positionsOf([]))).toMatchObject({ had: 0 });
  });

  test('why, in words', () => {
    const on = { enabled: true, rollout_percentage: 10, pilot_enterprises: ['p'] };
    const enterprises: KnownEnterprise[] = [
      { id: 'p', position: 50, sources: [] },
      { id: 'in', position: 9.97, sources: [] },
      { id: 'out', position: 10, sources: [] },
    ];
    expect(evaluateRows(on, enterprises).map(({ why }) => why)).toEqual([
      'pilot',
      'within the percentage: bucket 9.9 < 10',
      'beyond the percentage: bucket 10.0 ≥ 10',
    ]);
    expect(evaluateRows({ ...on, enabled: false }, enterprises)[0]?.why).toBe('the flag is off');
  });
});

test('a position is shown within the percentage that it is within', () => {
  fc.assert(
    fc.property(fc.double({ min: 0, max: 100, maxExcluded: true, noNaN: true }), percentage, (position, to) => {
      expect(Number(formatPosition(position)) < to).toBe(position < to);
    }),
  );
});

test('an enterprise of several lists is one row, with all its sources', () => {
  const merged = mergeEnterprises({
    ofIntegrations: [{ id: 'b', position: 2 }],
    pilots: [
      { id: 'b', position: 2 },
      { id: 'a', position: 1 },
    ],
    inLedger: [
      { id: 'b', position: 2, ...ADOPTION },
      { id: 'c', position: 3, ...ADOPTION },
    ],
  });
  expect(merged.map(({ id: one, sources }) => [one, sources.join()])).toEqual([
    ['a', 'pilot'],
    ['b', 'integration,pilot,ledger'],
    ['c', 'ledger'],
  ]);
  expect(merged[1]?.adoption).toMatchObject(ADOPTION);
});

describe('rows', () => {
  const rows = fc
    .uniqueArray(fc.tuple(id, fc.boolean(), fc.integer({ min: 0, max: 3 })), { selector: ([one]) => one })
    .map((all) =>
      all.map(
        ([one, isOn, position]): EnterpriseRow => ({
          ...{ id: one, isOn, position, why: '', sources: [] },
          ...(position > 1 && { adoption: { id: one, position, ...ADOPTION, withLearningTime: position } }),
        }),
      ),
    );

  test('are filtered by a part of the id in any case, and by what the flag is', () => {
    const all = evaluateRows({ enabled: true, rollout_percentage: 50, pilot_enterprises: [] }, [
      { id: 'acme-1', position: 10, sources: [] },
      { id: 'acme-2', position: 60, sources: [] },
      { id: 'globex', position: 20, sources: [] },
    ]);
    const found = (text: string, shown: 'all' | 'on' | 'off') => filterRows(all, text, shown).map((row) => row.id);
    expect(found(' ACME ', 'all')).toEqual(['acme-1', 'acme-2']);
    expect(found('acme', 'on')).toEqual(['acme-1']);
    expect(found('', 'off')).toEqual(['acme-2']);
    expect(found('[', 'all')).toEqual([]);
  });

  test('are the same in another order, which their first order does not change', () => {
    fc.assert(
      fc.property(rows, fc.constantFrom(...SORTED_BY), fc.boolean(), (all, column, isDescending) => {
        const sorted = sortRows(all, column, isDescending);
        expect(new Set(sorted)).toEqual(new Set(all));
        expect(sortRows(all.toReversed(), column, isDescending)).toEqual(sorted);
      }),
    );
  });

  test('are in the order of the column', () => {
    fc.assert(
      fc.property(rows, (all) => {
        const positions = sortRows(all, 'position', true).map(({ position }) => position);
        expect(positions).toEqual(positions.toSorted((one, other) => other - one));
        const used = sortRows(all, 'adoption', false).map(({ adoption }) => adoption?.withLearningTime ?? -1);
        expect(used).toEqual(used.toSorted((one, other) => one - other));
      }),
    );
  });

  test('are each on one page, at most 100 on each', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 450 }), (count) => {
        const all = Array.from({ length: count }, (_, index) => index);
        const pages = Array.from({ length: pageCount(count) }, (_, index) => pageOf(all, index + 1));
        expect(pages.flat()).toEqual(all);
        expect(Math.max(...pages.map(({ length }) => length))).toBeLessThanOrEqual(PAGE_ROWS);
        expect(pageOf(all, pages.length + 5)).toEqual(pages.at(-1));
      }),
    );
  });
});
