import type { LookupAddress, LookupOptions } from 'node:dns';
import { describe, expect, test } from '@jest/globals';
import { createAddressGuard } from '../../../lambdas/partners/http/address-guard.ts';
import { guardedLookup, type LookupAll } from '../../../lambdas/partners/http/guarded-lookup.ts';

const PUBLIC = { address: '8.8.8.8', family: 4 };
const PUBLIC_V6 = { address: '2600::1', family: 6 };
const LOOPBACK = { address: '127.0.0.1', family: 4 };
const MAPPED = { address: '::ffff:8.8.8.8', family: 6 };

/** Asks a guarded lookup as a socket does, and returns the arguments of its callback. */
function asker(lookup: LookupAll, now = () => 0) {
  const guarded = guardedLookup(createAddressGuard([]), lookup, now);
  return (options: LookupOptions = { all: true }, hostname = 'partner.example') =>
    new Promise<unknown[]>((done) => guarded(hostname, options, (...results) => done(results)));
}

const resolvingTo =
  (...addresses: LookupAddress[]): LookupAll =>
  (_hostname, _options, callback) =>
    callback(null, addresses);

describe('a name', () => {
  test.each([
    ['its public addresses only', { all: true }, [LOOPBACK, PUBLIC, MAPPED, PUBLIC_V6], [null, [PUBLIC]]],
    ['the first of them for a socket that needs one', {}, [LOOPBACK, PUBLIC_V6, PUBLIC], [null, '8.8.8.8', 4]],
    ['IPv6 addresses if no IPv4 address is permitted', { all: true }, [LOOPBACK, PUBLIC_V6], [null, [PUBLIC_V6]]],
    ['the first of these', {}, [PUBLIC_V6], [null, '2600::1', 6]],
  ])('is resolved to %s', async (_what, options, addresses, expected) => {
    expect(await asker(resolvingTo(...addresses))(options)).toEqual(expected);
  });

  test.each([{ all: true }, {}])('is forbidden without a permitted address: %j', async (options) => {
    const [error] = await asker(resolvingTo(LOOPBACK, MAPPED))(options);
    expect(error).toMatchObject({ code: 'FORBIDDEN_ADDRESS' });
  });

  test('fails with the resolver’s error', async () => {
    const failure = Object.assign(new Error('no'), { code: 'ENOTFOUND' });
    const [error] = await asker((_hostname, _options, callback) => callback(failure, []))();
    expect(error).toBe(failure);
  });

  test('is looked up with the family and hints of the socket', async () => {
    const asked: unknown[] = [];
    const ask = asker((hostname, options, callback) => {
      asked.push([hostname, options]);
      callback(null, [PUBLIC]);
    });
    await ask({ family: 4, hints: 1024 });
    expect(asked).toEqual([['partner.example', { family: 4, hints: 1024, all: true }]]);
  });
});

describe('concurrent lookups', () => {
  test('of one name are shared, later ones are not', async () => {
    const asked: string[] = [];
    const ask = asker((hostname, _options, callback) => {
      asked.push(hostname);
      setImmediate(callback, null, [PUBLIC]);
    });
    const responses = await Promise.all(['a', 'a', 'b'].map((name) => ask({ all: true }, name)));
    expect(responses).toEqual(Array(3).fill([null, [PUBLIC]]));
    await ask({ all: true }, 'a');
    expect(asked).toEqual(['a', 'b', 'a']);
  });

  test('are not shared with one that was frozen with the function: its response may never arrive', async () => {
    let nowMs = 0;
    let lookups = 0;
    const silentAtFirst: LookupAll = (_hostname, _options, callback) => {
      lookups += 1;
      if (lookups > 1) setImmediate(callback, null, [PUBLIC]);
    };
    const ask = asker(silentAtFirst, () => nowMs);
    void ask();
    nowMs = 5_000;
    void ask();
    expect(lookups).toBe(1);
    nowMs = 5_001;
    expect(await ask()).toEqual([null, [PUBLIC]]);
  });
});
