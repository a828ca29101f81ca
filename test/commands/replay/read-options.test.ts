import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { REPLAYED_STATES, readReplayOptions } from '../../../commands/replay/read-options.ts';
import { NOW } from '../../support/factories.ts';

const ID = `wh_${'a'.repeat(40)}`;
const read = (...words: readonly string[]) => readReplayOptions(words, NOW);
const filterOf = (...words: readonly string[]) => {
  const { what } = read(...words);
  return 'filter' in what ? what.filter : undefined;
};
const ALWAYS = { from: '1970-01-01T00:00:00.000Z', until: '9999-12-31T23:59:59.999Z' };

test('ids, as they are given', () => {
  expect(read(ID, 'wh_1', '--stage', 'dev', '--dry-run')).toEqual({
    ...{ stageName: 'dev', what: { ids: [ID, 'wh_1'] }, perSecond: 10, isDryRun: true, isYes: false },
  });
});

test('a filter: what is dead, where no state is named', () => {
  expect(read('--integration', 'acme', '--rate', '100', '--yes')).toEqual({
    what: { filter: { integrationId: 'acme', states: ['dead'], span: ALWAYS, reason: undefined } },
    ...{ stageName: 'local', perSecond: 100, isDryRun: false, isYes: true },
  });
  expect(filterOf('--since', '1h', '--until', '30m', '--error', 'HTTP 4')).toEqual({
    ...{ integrationId: undefined, states: ['dead'], reason: 'HTTP 4' },
    span: { from: '2026-01-15T11:00:00.000Z', until: '2026-01-15T11:30:00.000Z' },
  });
});

test('a state that is named twice counts once', () => {
  expect(filterOf('--state', 'parked', '--state', 'dead', '--state', 'parked')?.states).toEqual(['parked', 'dead']);
});

const stateWords = (states: readonly string[]) => states.flatMap((state) => ['--state', state]);

describe('what matches everything needs --all', () => {
  test('whatever else is said that narrows nothing', () => {
    const idle = fc.subarray([['--yes'], ['--dry-run'], ['--rate', '5'], ['--stage', 'dev'], ['--until', '1m']]);
    const states = fc.constantFrom([], stateWords(REPLAYED_STATES));
    fc.assert(
      fc.property(idle, states, (others, everyState) => {
        const words = [...everyState, ...others.flat()];
        expect(() => read(...words)).toThrow(/say --all$/);
        expect(filterOf(...words, '--all')).toMatchObject({ integrationId: undefined, reason: undefined });
      }),
    );
  });

  test('anything that narrows it does without', () => {
    const some = fc.subarray(REPLAYED_STATES.slice(), { minLength: 1, maxLength: REPLAYED_STATES.length - 1 });
    const narrow = fc.oneof(
      fc.constantFrom(['--integration', 'acme'], ['--error', 'HTTP 404'], ['--since', '2d']),
      some.map(stateWords),
    );
    fc.assert(fc.property(narrow, (words) => expect(filterOf(...words)).toBeDefined()));
  });
});

test.each([
  [[ID, '--state', 'dead'], 'not both'],
  [[ID, '--until', '1h'], 'not both'],
  [[ID, '--all'], 'not both'],
  [['--error', ''], '--error takes'],
  [['--error', ' '], '--error takes'],
  [['--integration', 'a/b'], 'a/b cannot be the id of an integration'],
  [['--integration', ''], 'cannot be the id of an integration'],
  [['--state', 'accepted'], '--state takes one of dead, delivered, parked, scheduled, unwanted, cancelled'],
  [['--state', 'dead,parked'], '--state takes one of'],
  [['--since', 'yesterday'], '--since takes'],
  [['--all', '--until', '24'], '--until takes'],
  [['--since', '1h', '--until', '2h'], '--until 2h is before 1h'],
  [['--all', '--rate', '0'], '--rate takes a number from 1 to 100'],
  [['--all', '--rate', '101'], '--rate takes a number from 1 to 100'],
  [['--all', '--rate', '1.5'], '--rate takes a whole number from 1 to 100'],
  [['--all', '--rate', 'fast'], '--rate takes a number'],
  [['--all', '--rate', ''], '--rate takes a number'],
  [['--yes', ID], ID],
  [['--al'], '--al'],
])('%j is a usage error', (words, message) => {
  expect(() => read(...words)).toThrow(expect.objectContaining({ name: 'UsageError' }));
  expect(() => read(...words)).toThrow(message);
});
