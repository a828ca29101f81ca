import { beforeEach, describe, expect, test } from '@jest/globals';
import { runProgram } from '../../../commands/main.ts';
import { eachTest } from '../../support/each-test.ts';
import {
  ACME_CERTIFICATE,
  ACME_ENCRYPTED_KEY,
  ACME_KEY,
  CLIENT_ISSUER,
  EXPIRED_CERTIFICATE,
  FUTURE_CERTIFICATE,
  GLOBEX_KEY,
  NEXT_CERTIFICATE,
  NEXT_KEY,
} from '../../support/test-only-client-certificates.ts';
import { startOperatorWorld } from '../operator-world.ts';

const ACME = { id: 'acme', url: 'https://acme.example', client_certificate: true };
const SIGNING = { signing_secrets: [`whsec_${Buffer.alloc(32, 1).toString('base64')}`] };
const CHAIN = `${ACME_CERTIFICATE}\n${CLIENT_ISSUER}\n`;
const CURRENT = { ...SIGNING, key_of_tomorrow: 1, client_certificate: CHAIN, client_key: ACME_KEY };
const NEXT = { next_client_certificate: NEXT_CERTIFICATE, next_client_key: NEXT_KEY };

/** All certificates of the tests expire on 2125-12-31. */
const SOON = Date.UTC(2125, 11, 20);

const world = eachTest(startOperatorWorld);
const run = (...words: readonly string[]) => runProgram(words, world.context);
const files = (certificate: string, key: string) => [
  ...['--certificate-file', world.file('certificate.pem', certificate), '--key-file', world.file('key.pem', key)],
];

describe('integration add', () => {
  const add = (...words: readonly string[]) =>
    run('integration', 'add', '--id', 'acme', '--url', ACME.url, '--set', 'client_certificate=true', ...words);

  test('stores the pair of files, and the passphrase of an encrypted key, which it asks for', async () => {
    world.answers.push('test-only');
    expect(await add(...files(CHAIN, ACME_ENCRYPTED_KEY))).toBe(0);
    expect(world.deployed()).toMatchObject({ integrations: [ACME] });
    expect(world.secret('acme')).toEqual({
      signing_secrets: [expect.any(String)],
      ...{ client_certificate: CHAIN, client_key: ACME_ENCRYPTED_KEY, client_key_passphrase: 'test-only' },
    });
    expect(world.questions).toEqual(['client_key_passphrase (hidden): ']);
    expect(world.printed()).not.toMatch(/BEGIN|test-only/);
  });

  test('takes it from the environment', async () => {
    Object.assign(world.variables, { INTEGRATION_CLIENT_CERTIFICATE: CHAIN, INTEGRATION_CLIENT_KEY: ACME_KEY });
    expect(await add()).toBe(0);
    expect(world.secret('acme')).toMatchObject({ client_certificate: CHAIN, client_key: ACME_KEY });
  });

  test.each<[string, () => readonly string[], RegExp]>([
    ['no certificate', () => [], /needs client_certificate: set it by --certificate-file or INTEGRATION_CLIENT_CERT/],
    [
      'a certificate without its key',
      () => ['--certificate-file', world.file('c', CHAIN)],
      /needs client_key: set it by --key-file or INTEGRATION_CLIENT_KEY$/,
    ],
    ['a key without its passphrase', () => files(CHAIN, ACME_ENCRYPTED_KEY), /no client_key_passphrase, which /],
    ['another key', () => files(CHAIN, GLOBEX_KEY), /has a client_key that does not belong to the first certificate/],
    ['another order', () => files(`${CLIENT_ISSUER}\n${ACME_CERTIFICATE}`, ACME_KEY), / in the wrong order: /],
    [
      'an expired one',
      () => files(EXPIRED_CERTIFICATE, ACME_KEY),
      /has a client_certificate that expired on 2025-01-02/,
    ],
    ['one of the future', () => files(FUTURE_CERTIFICATE, ACME_KEY), /certificate that is valid from 2125-01-01 on/],
  ])('refuses %s in one sentence, and changes nothing', async (_what, words, message) => {
    const adding = add(...words());
    await expect(adding).rejects.toMatchObject({ name: 'CommandFailed', message: expect.stringMatching(message) });
    await expect(adding).rejects.not.toMatchObject({ message: expect.stringMatching(/BEGIN|\n/) });
    expect([world.secret('acme'), world.deployed()]).toEqual([undefined, { integrations: [] }]);
  });
});

describe('the rotation', () => {
  const store = (...words: readonly string[]) => run('integration', 'next-certificate', 'acme', ...words);
  const change = (...words: readonly string[]) => run('integration', 'switch-certificate', 'acme', ...words);

  beforeEach(() => {
    world.deploy({ integrations: [ACME] });
    world.putSecret('acme', CURRENT);
  });

  test('stores the next pair, tries it, and switches', async () => {
    expect(await store(...files(NEXT_CERTIFICATE, NEXT_KEY))).toBe(0);
    expect(world.secret('acme')).toEqual({ ...CURRENT, ...NEXT });
    expect(world.printed()).toContain('./ltw send-test --integration acme --stage local --next');
    expect(await run('send-test', '--integration', 'acme', '--next')).toBe(0);
    expect(await change()).toBe(0);
    expect(world.tested).toEqual(Array(2).fill('acme with its next certificate'));
    const switched = { client_certificate: NEXT_CERTIFICATE, client_key: NEXT_KEY };
    expect(world.secret('acme')).toEqual({ ...SIGNING, key_of_tomorrow: 1, ...switched });
    await expect(change()).rejects.toThrow('/local/integrations/acme has no next pair: store it with');
    expect(world.printed()).not.toContain('BEGIN');
  });

  test('replaces a next pair with its passphrase, and drops a passphrase with its key', async () => {
    world.putSecret('acme', { ...CURRENT, ...NEXT, client_key_passphrase: 'x', next_client_key_passphrase: 'y' });
    world.variables.INTEGRATION_CLIENT_KEY_PASSPHRASE = 'test-only';
    await store(...files(ACME_CERTIFICATE, ACME_ENCRYPTED_KEY));
    expect(world.secret('acme')).toMatchObject({ next_client_key_passphrase: 'test-only' });
    await store(...files(NEXT_CERTIFICATE, NEXT_KEY));
    await change();
    expect(Object.keys(world.secret('acme') ?? {}).sort()).toEqual(Object.keys(CURRENT).sort());
  });

  test('changes nothing if the test event is not delivered, except with --untested', async () => {
    world.putSecret('acme', { ...CURRENT, ...NEXT });
    world.answerTests({ verdict: 'retry', reason: 'no response: ECONNRESET', code: 'ECONNRESET' });
    expect(await change()).toBe(1);
    expect(world.printed()).toContain('Nothing was changed.');
    expect(world.secret('acme')).toEqual({ ...CURRENT, ...NEXT });
    expect(await change('--untested')).toBe(0);
    expect(world.secret('acme')).toMatchObject({ client_key: NEXT_KEY });
    expect(world.tested).toHaveLength(1);
  });

  test('gives its first pair to an integration whose entry presents none yet, without a test event', async () => {
    world.deploy({ integrations: [{ ...ACME, client_certificate: false }] });
    world.putSecret('acme', SIGNING);
    await store(...files(NEXT_CERTIFICATE, NEXT_KEY));
    expect(await change()).toBe(0);
    expect(world.secret('acme')).toEqual({ ...SIGNING, client_certificate: NEXT_CERTIFICATE, client_key: NEXT_KEY });
    expect([world.tested, world.printed()]).toEqual([[], expect.stringContaining('presents none yet')]);
  });

  test('is not confused by a change during the test event', async () => {
    world.putSecret('acme', { ...CURRENT, ...NEXT });
    const changed = { ...CURRENT, next_client_certificate: ACME_CERTIFICATE, next_client_key: ACME_KEY };
    const print = world.context.terminal.print;
    world.context.terminal.print = (text) => {
      world.putSecret('acme', changed);
      print(text);
    };
    await expect(change()).rejects.toThrow(/nothing was switched/);
    expect(world.secret('acme')).toEqual(changed);
  });

  test.each([
    [
      'an unusable pair',
      () => files(NEXT_CERTIFICATE, ACME_KEY),
      /would have a next_client_key that does not belong to/,
    ],
    [
      'an expired one',
      () => files(EXPIRED_CERTIFICATE, ACME_KEY),
      /would have a next_client_certificate that expired on/,
    ],
    ['no certificate', () => [], /needs next_client_certificate: set it by .* INTEGRATION_CLIENT_CERTIFICATE$/],
  ])('refuses %s', async (_what, words, message) => {
    await expect(store(...words())).rejects.toMatchObject({ message: expect.stringMatching(message) });
    expect(world.secret('acme')).toEqual(CURRENT);
  });
});

describe('integration validate', () => {
  const validate = async () => {
    const status = await run('integration', 'validate', '--json');
    const { is_valid, faults, warnings } = JSON.parse(world.printed());
    expect(status).toBe(is_valid ? 0 : 1);
    return { faults, warnings };
  };
  const of = (sentence: string) => [`secret /local/integrations/acme: the secret has ${sentence}`];

  test.each<[string, object, number | undefined, object]>([
    ['a pair', {}, undefined, { faults: [], warnings: [] }],
    [
      'one that expires soon',
      {},
      SOON,
      { faults: [], warnings: of('a client_certificate that expires on 2125-12-31, in 11 days') },
    ],
    [
      'one that has expired',
      { client_certificate: EXPIRED_CERTIFICATE },
      undefined,
      { faults: of('a client_certificate that expired on 2025-01-02'), warnings: [] },
    ],
    [
      'an unusable next pair',
      { next_client_key: NEXT_KEY },
      undefined,
      { faults: [expect.stringContaining(of('no next_client_certificate (')[0] ?? '')], warnings: [] },
    ],
  ])('reports %s', async (_what, parts, nowMs, expected) => {
    world.deploy({ integrations: [ACME] });
    world.putSecret('acme', { ...CURRENT, ...parts });
    if (nowMs !== undefined) world.nowMs = nowMs;
    expect(await validate()).toEqual(expected);
  });
});

test('send-test prints until when the certificate is valid, or what is wrong with its dates', async () => {
  const certificate = { pair: 'current', expires_at: '2026-02-01T00:00:00.000Z' } as const;
  world.answerTests({ client_certificate: certificate });
  await run('send-test', '--integration', 'acme');
  expect(world.printed()).toMatch(/^Delivered: .*\nClient certificate: the current one, until 2026-02-01\.\n/);
  world.answerTests({
    client_certificate: { ...certificate, fault: 'a client_certificate that expired on 2026-02-01' },
  });
  await run('send-test', '--integration', 'acme');
  expect(world.printed()).toContain('\nThe secret has a client_certificate that expired on 2026-02-01.\n');
});
