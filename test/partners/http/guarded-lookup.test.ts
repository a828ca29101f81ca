import type { LookupAddress, LookupOptions } from 'node:dns';
import { describe, expect, test } from '@jest/globals';
import { createAddressGuard } from '../../../lambdas/partners/http/address-guard.ts';
import { guardedLookup, type LookupAll } from '../../../lambdas/partners/http/guarded-lookup.ts';

const PUBLIC = { address: '8.8.8.8', family: 4 };
const PUBLIC_V6 = { address: '2600::1', family: 6 };
const LOOPBACK = { address: '127.0.0.1', family: 4 };
const MAPPED = { address: '::ffff:8.8.8.8', family: 6 };

/** Calls a guarded lookup as a socket does, and returns the arguments of its callback. */
function resolve(lookup: LookupAll, options: LookupOptions = { all: true }) {
  const guarded = guardedLookup(createAddressGuard([]), lookup, Date.now);
  return new Promise<unknown[]>((done) => guarded('partner.example', options, (...results) => done(results)));
}
const answering =
  (...addresses: LookupAddress[]): LookupAll =>
  (_hostname, _options, callback) =>
    callback(null, addresses);

describe('a name', () => {
  test('leads to its public addresses only', async () => {
    expect(await resolve(answering(LOOPBACK, PUBLIC, MAPPED, PUBLIC_V6))).toEqual([null, [PUBLIC]]);
  });

  test('leads to the first of them for who wants one', async () => {
    expect(await resolve(answering(LOOPBACK, PUBLIC_V6, PUBLIC), {})).toEqual([null, '8.8.8.8', 4]);
  });

  test('leads to an IPv6 address where there is no IPv4 one that may be reached', async () => {
    expect(await resolve(answering(LOOPBACK, PUBLIC_V6))).toEqual([null, [PUBLIC_V6]]);
    expect(await resolve(answering(PUBLIC_V6), {})).toEqual([null, '2600::1', 6]);
  });

  test.each([{ all: true }, {}])('is forbidden where none is left: %j', async (options) => {
    const [error] = await resolve(answering(LOOPBACK, MAPPED), options);
    expect(error).toMatchObject({ code: 'FORBIDDEN_ADDRESS' });
  });

  test('fails as its resolution does', async () => {
    const failure = Object.assign(new Error('no'), { code: 'ENOTFOUND' });
    const [error] = await resolve((_hostname, _options, callback) => callback(failure, []));
    expect(error).toBe(failure);
  });

  test('is asked for with the family and hints that the socket wants', async () => {
    const asked: unknown[] = [];
    await resolve(
      (hostname, options, callback) => {
        asked.push([hostname, options]);
        callback(null, [PUBLIC]);
      },
      { family: 4, hints: 1024 },
    );
    expect(asked).toEqual([['partner.example', { family: 4, hints: 1024, all: true }]]);
  });
});

describe('sockets that ask at the same time', () => {
  test('share one question for one name, and ask again afterwards', async () => {
    const asked: string[] = [];
    const asking: LookupAll = (hostname, _options, callback) => {
      asked.push(hostname);
      setImmediate(callback, null, [PUBLIC]);
    };
    const guarded = guardedLookup(createAddressGuard([]), asking, Date.now);
    const ask = (hostname: string) =>
      new Promise((done) => guarded(hostname, { all: true }, (_error, addresses) => done(addresses)));
    const answers = await Promise.all([ask('a.example'), ask('a.example'), ask('b.example')]);
    expect(answers).toEqual([[PUBLIC], [PUBLIC], [PUBLIC]]);
    expect(asked).toEqual(['a.example', 'b.example']);
    await ask('a.example');
    expect(asked).toEqual(['a.example', 'b.example', 'a.example']);
  });

  test('do not share one that was frozen with the function: its response may never come', async () => {
    let nowMs = 0;
    let questions = 0;
    const silentAtFirst: LookupAll = (_hostname, _options, callback) => {
      questions += 1;
      if (questions > 1) setImmediate(callback, null, [PUBLIC]);
    };
    const guarded = guardedLookup(createAddressGuard([]), silentAtFirst, () => nowMs);
    const ask = () =>
      new Promise((done) => guarded('a.example', { all: true }, (_error, addresses) => done(addresses)));
    void ask();
    nowMs = 5_000;
    void ask();
    expect(questions).toBe(1);
    nowMs = 5_001;
    expect(await ask()).toEqual([PUBLIC]);
  });
});
