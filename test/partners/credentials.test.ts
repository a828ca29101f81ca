import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { credentialsOf } from '../../lambdas/partners/credentials.ts';
import { RepeatedKey } from '../../lambdas/shared/secret-text.ts';
import { integration } from '../support/factories.ts';
import { secret } from '../support/sending.ts';
import { ACME_CERTIFICATE, ACME_KEY } from '../support/test-only-client-certificates.ts';

type Fields = Readonly<Record<string, unknown>>;

/** The credentials of an integration with these settings, from a secret with these parts. */
function credentials(settings: Fields, parts: Fields = {}) {
  const found = credentialsOf(integration(settings), secret(parts));
  if ('missing' in found) return found;
  const { secret: _, ...rest } = found;
  return rest;
}

const BEARER = { auth: { type: 'bearer' } };
const API_KEY = { auth: { type: 'api_key' } };
const OAUTH = { auth: { type: 'oauth2_client_credentials', token_url: 'https://auth.example/token' } };
const TENANT = { headers: [{ name: 'X-Tenant', from_secret: 'tenant' }] };
const CERTIFICATE = { client_certificate: true };
const ENCRYPTED = { encrypted_fields: ['user.email'] };

const client = (clientId: string, clientSecret: string) => ({
  headers: {},
  oauth: {
    ...{ tokenUrl: 'https://auth.example/token', request: 'json', authentication: 'body' },
    ...{ scope: 'api', clientId, clientSecret },
  },
});
const clientCertificate = expect.objectContaining({ key: `${ACME_KEY}\n` });
const KEY = Buffer.alloc(32, 2).toString('base64');

test.each<[string, Fields, Fields, object]>([
  ['nothing', {}, {}, { headers: {} }],
  ['a bearer token', BEARER, { bearer_token: 'abc' }, { headers: { Authorization: 'Bearer abc' } }],
  [
    'a bearer token with its scheme',
    BEARER,
    { bearer_token: 'bearer  abc\n' },
    { headers: { Authorization: 'Bearer abc' } },
  ],
  ['an API key', API_KEY, { api_key: '\uFEFF key with spaces\r\n' }, { headers: { 'X-API-Key': 'key with spaces' } }],
  [
    'an API key in another header',
    { auth: { type: 'api_key', header: 'Key' } },
    { api_key: 'a' },
    { headers: { Key: 'a' } },
  ],
  ['an OAuth client', OAUTH, { client_id: 'me', client_secret: 'shh' }, client('me', 'shh')],
  [
    'an OAuth client of any text, without line breaks around it',
    OAUTH,
    { client_id: ' é "quoted"\n', client_secret: '\tpäss\nwörd \r\n' },
    client(' é "quoted"', 'päss\nwörd '),
  ],
  [
    'a client certificate, for the token server too',
    { ...OAUTH, ...CERTIFICATE },
    { client_id: 'me', client_secret: 'shh', client_certificate: ACME_CERTIFICATE, client_key: ACME_KEY },
    { headers: {}, oauth: { ...client('me', 'shh').oauth, clientCertificate }, clientCertificate },
  ],
  ['an encryption key', ENCRYPTED, { encryption_key: `${KEY}\n` }, { headers: {}, encryptionKey: KEY }],
  [
    'headers',
    { headers: [{ name: 'X-Source', value: 'open edx' }, ...TENANT.headers] },
    { headers: { tenant: 'eu-1', unused: 'x' } },
    { headers: { 'X-Source': 'open edx', 'X-Tenant': 'eu-1' } },
  ],
  [
    'headers as text, as the console stores them',
    TENANT,
    { headers: '{"tenant":"a"}' },
    { headers: { 'X-Tenant': 'a' } },
  ],
  ['a flat key', TENANT, { 'headers.tenant': 'a\n' }, { headers: { 'X-Tenant': 'a' } }],
  [
    'a flat key next to an empty nested one',
    TENANT,
    { headers: { tenant: '' }, 'headers.tenant': 'a' },
    { headers: { 'X-Tenant': 'a' } },
  ],
])('an integration gets %s', (_what, settings, parts, expected) => {
  expect(credentials(settings, parts)).toEqual(expected);
});

test('a header may have a name that JavaScript uses', () => {
  const { headers } = credentials({ headers: [{ name: '__proto__', value: 'x' }] }) as { headers: object };
  expect(Object.entries(headers)).toEqual([['__proto__', 'x']]);
});

test('values that an integration does not use may have any form', () => {
  const names = ['bearer_token', 'api_key', 'client_id', 'client_secret', 'headers', 'encryption_key'];
  const unused = fc.record(Object.fromEntries(names.map((name) => [name, fc.anything()])));
  const used = fc.constantFrom(
    [{}, {}],
    [BEARER, { bearer_token: 'x' }],
    [API_KEY, { api_key: 'x' }],
    [OAUTH, { client_id: 'x', client_secret: 'x' }],
    [TENANT, { headers: { tenant: 'x' } }],
  );
  fc.assert(
    fc.property(unused, used, (anything, [settings, parts]) => {
      const expected = credentials(settings as Fields, parts);
      expect(expected).toHaveProperty('headers');
      expect(credentials(settings as Fields, { ...anything, ...parts })).toEqual(expected);
    }),
  );
});

const HEADER_VALUE = 'a text of 1 to 4096 visible ASCII characters';

/** A setting, the parts that it needs, and what is expected of them. */
const NEEDS: readonly (readonly [string, Fields, (value: unknown) => Fields, string, string])[] = [
  ['bearer_token', BEARER, (bearer_token) => ({ bearer_token }), HEADER_VALUE, 'auth bearer needs'],
  ['api_key', API_KEY, (api_key) => ({ api_key }), HEADER_VALUE, 'auth api_key needs'],
  ['headers.tenant', TENANT, (tenant) => ({ headers: { tenant } }), HEADER_VALUE, 'header X-Tenant needs'],
  [
    'client_id',
    OAUTH,
    (client_id) => ({ client_id, client_secret: 'x' }),
    'a text of 1 to 1024 characters',
    'auth oauth2_client_credentials needs',
  ],
  [
    'client_secret',
    OAUTH,
    (client_secret) => ({ client_id: 'x', client_secret }),
    'a text of 1 to 4096 characters',
    'auth oauth2_client_credentials needs',
  ],
  [
    'client_certificate',
    CERTIFICATE,
    (client_certificate) => ({ client_certificate, client_key: ACME_KEY }),
    'a PEM of certificates, the own one first',
    'client_certificate of the entry needs',
  ],
  [
    'client_key',
    CERTIFICATE,
    (client_key) => ({ client_certificate: ACME_CERTIFICATE, client_key }),
    'a PEM of a private key',
    'client_certificate of the entry needs',
  ],
  [
    'encryption_key',
    ENCRYPTED,
    (encryption_key) => ({ encryption_key }),
    'the base64 of 32 bytes',
    'encrypted_fields need',
  ],
];

describe.each(NEEDS)('%s', (key, settings, parts, form, needs) => {
  test('is named with its form if it is missing or empty', () => {
    const missing = `the secret has no ${key} (${form}), which ${needs}`;
    for (const value of [undefined, null, '', '\n']) expect(credentials(settings, parts(value))).toEqual({ missing });
  });

  test('is named without its value if it has another form', () => {
    const missing = `the secret has a value of ${key} that is not ${form}, which ${needs}`;
    const invalid = [5, true, ['x'], { hunter2: 1 }, 'x'.repeat(4097)];
    const inHeader = form === HEADER_VALUE ? ['a\r\nHost: hunter2', 'hünter2', 'hunter2\u0000'] : [];
    for (const value of [...invalid, ...inHeader]) expect(credentials(settings, parts(value))).toEqual({ missing });
  });

  test('is named if the secret has it twice', () => {
    const missing = `the secret has more than one ${key} (${form}), which ${needs}`;
    expect(credentials(settings, parts(new RepeatedKey('x')))).toEqual({ missing });
  });
});

test('every missing value is named', () => {
  const { missing } = credentials(OAUTH) as { missing: string };
  expect(missing).toMatch(/^the secret has no client_id .*, and no client_secret .* needs$/);
  const repeated = credentials(TENANT, { headers: new RepeatedKey({ tenant: 'x' }) });
  expect(repeated).toEqual({ missing: expect.stringMatching(/^the secret has more than one headers\.tenant /) });
});

test.each(['constructor', 'toString', '__proto__', 'hasOwnProperty'])(
  'a header value named %s, which every object inherits, is missing',
  (from_secret) => {
    const settings = { headers: [{ name: 'X-Tenant', from_secret }] };
    const missing = `the secret has no headers.${from_secret} (${HEADER_VALUE}), which header X-Tenant needs`;
    expect([credentials(settings), credentials(settings, { headers: {} })]).toEqual([{ missing }, { missing }]);
  },
);

test.each([
  [BEARER, { bearer_token: 'x'.repeat(4096) }, true],
  [OAUTH, { client_id: 'x'.repeat(1024), client_secret: 'x'.repeat(4096) }, true],
  [OAUTH, { client_id: 'x'.repeat(1025), client_secret: 'x' }, false],
  ...[16, 31, 32, 33, 64].map((length): [object, object, boolean] => [
    ENCRYPTED,
    { encryption_key: Buffer.alloc(length, 7).toString('base64') },
    length === 32,
  ]),
])('%j has the right length in %j: %p', (settings, parts, isRight) => {
  expect('headers' in credentials(settings as Fields, parts as Fields)).toBe(isRight);
});
