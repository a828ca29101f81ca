import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { REPLAYED_STATES } from '../../../commands/replay/option-values.ts';
import { type FilterOptions, whatToReplay } from '../../../commands/replay/what-to-replay.ts';
import { NOW } from '../../support/factories.ts';

const ID = `wh_${'a'.repeat(40)}`;
const filterOf = (options: FilterOptions) => {
  const what = whatToReplay([], options, NOW);
  return 'filter' in what ? what.filter : undefined;
};
const ALWAYS = { from: '1970-01-01T00:00:00.000Z', until: '9999-12-31T23:59:59.999Z' };

test('ids, as they are given', () => {
  expect(whatToReplay([ID, 'wh_1'], {}, NOW)).toEqual({ ids: [ID, 'wh_1'] });
});

test('a filter: what is dead, where no state is named', () => {
  expect(filterOf({ integration: 'acme' })).toEqual({
    ...{ integrationId: 'acme', states: ['dead'], span: ALWAYS, reason: undefined },
  });
  expect(filterOf({ since: '1h', until: '30m', error: 'HTTP 4' })).toEqual({
    ...{ integrationId: undefined, states: ['dead'], reason: 'HTTP 4' },
    span: { from: '2026-01-15T11:00:00.000Z', until: '2026-01-15T11:30:00.000Z' },
  });
});

test('a state that is named twice counts once', () => {
  expect(filterOf({ state: ['parked', 'dead', 'parked'] })?.states).toEqual(['parked', 'dead']);
});

describe('what matches everything needs --all', () => {
  test.each<FilterOptions>([{}, { until: '1m' }, { state: [...REPLAYED_STATES] }])('%j', (options) => {
    expect(() => filterOf(options)).toThrow(/say --all$/);
    expect(filterOf({ ...options, all: true })).toMatchObject({ integrationId: undefined, reason: undefined });
  });

  test('anything that narrows it does without', () => {
    const some = fc.subarray(REPLAYED_STATES.slice(), { minLength: 1, maxLength: REPLAYED_STATES.length - 1 });
    const narrow: fc.Arbitrary<FilterOptions> = fc.oneof(
      fc.constantFrom({ integration: 'acme' }, { error: 'HTTP 404' }, { since: '2d' }),
      some.map((state) => ({ state })),
    );
    fc.assert(fc.property(narrow, (options) => expect(filterOf(options)).toBeDefined()));
  });
});

test.each<[readonly string[], FilterOptions, string]>([
  [[ID], { state: ['dead'] }, 'not both'],
  [[ID], { until: '1h' }, 'not both'],
  [[ID], { all: true }, 'not both'],
  [[], { error: '' }, '--error takes'],
  [[], { error: ' ' }, '--error takes'],
  [[], { since: '1h', until: '2h' }, '--until 2h is before 1h'],
])('%j with %j is a usage error', (ids, options, message) => {
  expect(() => whatToReplay(ids, options, NOW)).toThrow(expect.objectContaining({ name: 'UsageError' }));
  expect(() => whatToReplay(ids, options, NOW)).toThrow(message);
});
