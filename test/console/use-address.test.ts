import { expect, test } from '@jest/globals';
import { hiddenOf, parseAddress } from '../../console/use-address.ts';

test.each([
  ['/', '/', {}],
  ['/deliveries', '/deliveries', {}],
  ['/deliveries?state=dead&integration=acme', '/deliveries', { state: 'dead', integration: 'acme' }],
  ['/deliveries?error=is+it?&x=%3F', '/deliveries', { error: 'is it?', x: '?' }],
  ['/deliveries?', '/deliveries', {}],
])('%s', (text, path, query) => {
  const address = parseAddress(text);
  expect([address.path, Object.fromEntries(address.query), address.text]).toEqual([path, query, text]);
});

test.each([
  [null, {}],
  ['text', {}],
  [{ other: 1 }, {}],
  [{ hidden: null }, {}],
  [{ hidden: { user: '42', number: 7 } }, { user: '42' }],
])('of the state of the history %j this is kept out of the address: %j', (state, hidden) => {
  expect(hiddenOf(state)).toEqual(hidden);
});
