import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { formatCost } from '../../../commands/shared/format-cost.ts';
import {
  addressOf,
  deliveryAddress,
  hasSeveralSearches,
  hiddenPartOf,
  kindOfQuery,
  readQuery,
} from '../../../console/deliveries/query.ts';
import { type Hidden, parseAddress } from '../../../console/use-address.ts';

const parse = (address: string, hidden: Hidden = {}) => readQuery(parseAddress(address, hidden));

describe('an address', () => {
  test('has the fields that are filled in, and no other', () => {
    expect(addressOf({})).toBe('/deliveries');
    expect(addressOf({ state: 'dead', id: '', since: ' ' })).toBe('/deliveries?state=dead');
    expect(parse('/deliveries?state=dead&since=&other=1')).toEqual({ state: 'dead' });
  });

  test('is read as it was written, whatever its fields have', () => {
    const text = fc.string({ minLength: 1 }).map((one) => `x${one}x`.toWellFormed());
    fc.assert(
      fc.property(fc.record({ id: text, event: text, text, course: text }, { requiredKeys: [] }), (query) => {
        expect(parse(addressOf(query))).toEqual(query);
      }),
    );
  });

  test('has no learner’s number: the tab keeps it', () => {
    const query = { user: '42', course: 'course-v1:a+b+c' };
    expect(addressOf(query)).toBe('/deliveries?course=course-v1%3Aa%2Bb%2Bc');
    expect(parse(addressOf(query), hiddenPartOf(query))).toEqual(query);
    expect(parse('/deliveries?user=42')).toEqual({});
    expect(hiddenPartOf({ user: ' ' })).toEqual({});
  });

  test('of a delivery keeps to its path', () => {
    expect(deliveryAddress('../x?y')).toBe('/deliveries/..%2Fx%3Fy');
  });
});

test.each([
  [{}, 'list'],
  [{ state: 'dead', since: '7d' }, 'list'],
  [{ id: 'wh_123456' }, 'by id'],
  [{ event: 'e', integration: 'acme' }, 'by id'],
  [{ user: '42' }, 'search'],
  [{ course: 'course-v1:a+b+c' }, 'search'],
  [{ text: 'HTTP 500' }, 'search'],
] as const)('%j is answered as: %s', (query, kind) => {
  expect(kindOfQuery(query)).toBe(kind);
});

test.each([
  [0, '$0.0000'],
  [0.00001, 'under $0.0001'],
  [0.01234, '$0.0123'],
  [12.345, '$12.35'],
] as const)('%d is %s', (usd, text) => {
  expect(formatCost(usd)).toBe(text);
});

test('one search without an index at a time: of a learner, of a course, or for a text', () => {
  expect(hasSeveralSearches({ state: 'dead', user: '42', course: ' ' })).toBe(false);
  expect(hasSeveralSearches({ text: 'HTTP 500' })).toBe(false);
  expect(hasSeveralSearches({ user: '42', course: 'course-v1:a+b+c' })).toBe(true);
  expect(hasSeveralSearches({ user: '42', text: 'HTTP 500' })).toBe(true);
});
