import { expect, test } from '@jest/globals';
import { parseAddress } from '../../console/use-address.ts';

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
