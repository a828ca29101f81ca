import { expect, test } from '@jest/globals';
import { takeToken } from '../../console/token.ts';

/** A tab at an address. */
function tab(href: string, kept?: string) {
  const stored = new Map(kept === undefined ? [] : [['token', kept]]);
  const url = new URL(href);
  const shown = [href];
  const token = takeToken(
    { hash: url.hash, href },
    { replaceState: (_data, _title, to) => void shown.push(new URL(String(to), href).href) },
    { getItem: (key) => stored.get(key) ?? null, setItem: (key, value) => void stored.set(key, value) },
  );
  return { token, address: shown.at(-1), changes: shown.length - 1, kept: stored.get('token') };
}

test('the token leaves the address, which keeps its path and query, and stays in the tab', () => {
  expect(tab('http://127.0.0.1:1/deliveries?state=dead#token=a-_1')).toEqual({
    ...{ token: 'a-_1', address: 'http://127.0.0.1:1/deliveries?state=dead', changes: 1, kept: 'a-_1' },
  });
});

test('a path of two slashes is no other host', () => {
  expect(tab('http://127.0.0.1:1//attacker/#token=a').address).toBe('http://127.0.0.1:1//attacker/');
});

test('the next start’s token replaces the one before', () => {
  expect(tab('http://127.0.0.1:1/#token=new', 'old')).toMatchObject({ token: 'new', kept: 'new' });
});

test('a page that is reloaded has its token', () => {
  expect(tab('http://127.0.0.1:1/rollout', 'kept')).toMatchObject({ token: 'kept', changes: 0 });
  expect(tab('http://127.0.0.1:1/rollout#heading', 'kept')).toMatchObject({ token: 'kept', changes: 0 });
});

test('an address without a token has none', () => {
  expect(tab('http://127.0.0.1:1/')).toMatchObject({ token: undefined, changes: 0 });
});
