import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { credentialsOf } from '../../lambdas/partners/credentials.ts';
import { type IntegrationSecret, integrationSecretSchema } from '../../lambdas/partners/integration-secret.ts';
import { RepeatedKey } from '../../lambdas/shared/secret-text.ts';
import { integration } from '../support/factories.ts';

const SIGNING_SECRET = `whsec_${Buffer.alloc(32, 1).toString('base64')}`;
const ENCRYPTION_KEY = Buffer.alloc(32, 2).toString('base64');

const secret = (parts: Readonly<Record<string, unknown>> = {}): IntegrationSecret =>
  integrationSecretSchema.parse({ signing_secrets: [SIGNING_SECRET], ...parts });

/** Of an integration with these settings and a secret with these parts. */
function credentials(settings: Readonly<Record<string, unknown>>, parts?: Readonly<Record<string, unknown>>) {
  const found = credentialsOf(integration(settings), secret(parts));
  if ('missing' in found) return found;
  const { secret: used, ...rest } = found;
  expect(used).toEqual(secret(parts));
  return rest;
}

const OAUTH = { type: 'oauth2_client_credentials', token_url: 'https://auth.example/token' };
const EVERYTHING = {
  bearer_token: 'bearer-value',
  api_key: 'key-value',
  client_id: 'id-value',
  client_secret: 'secret-value',
  headers: { tenant: 'tenant-value' },
  encryption_key: ENCRYPTION_KEY,
};

describe('what a request carries', () => {
  test('nothing, where the integration asks for nothing: whatever the secret holds', () => {
    expect(credentials({})).toEqual({ headers: {} });
    expect(credentials({}, EVERYTHING)).toEqual({ headers: {} });
  });

  test('a bearer token', () => {
    expect(credentials({ auth: { type: 'bearer' } }, { bearer_token: 'abc' })).toEqual({
      headers: { Authorization: 'Bearer abc' },
    });
  });

  test('an API key, in the usual header or another', () => {
    expect(credentials({ auth: { type: 'api_key' } }, { api_key: 'abc' })).toEqual({ headers: { 'X-API-Key': 'abc' } });
    expect(credentials({ auth: { type: 'api_key', header: 'Api-Token' } }, { api_key: 'abc' })).toEqual({
      headers: { 'Api-Token': 'abc' },
    });
  });

  test('the client to fetch a token for, and no header yet', () => {
    expect(credentials({ auth: OAUTH }, { client_id: 'me', client_secret: 'shh' })).toEqual({
      headers: {},
      oauth: { tokenUrl: 'https://auth.example/token', scope: 'api', clientId: 'me', clientSecret: 'shh' },
    });
  });

  test('headers with values of their own, or from the secret', () => {
    const headers = [
      { name: 'X-Source', value: 'open edx' },
      { name: 'X-Tenant', from_secret: 'tenant' },
    ];
    expect(credentials({ headers }, { headers: { tenant: 'eu-1', unused: 'x' } })).toEqual({
      headers: { 'X-Source': 'open edx', 'X-Tenant': 'eu-1' },
    });
  });

  test('a header by a name that means something to JavaScript', () => {
    const { headers } = credentials({ headers: [{ name: '__proto__', value: 'x' }] }) as { headers: object };
    expect(Object.entries(headers)).toEqual([['__proto__', 'x']]);
  });
});

const HEADER_VALUE = 'a text of 1 to 4096 visible ASCII characters';
const TENANT = { headers: [{ name: 'X-Tenant', from_secret: 'tenant' }] };

describe('values are read', () => {
  test.each([
    ['with white space around them', { api_key: '\uFEFF abc\r\n' }, { 'X-API-Key': 'abc' }],
    ['with spaces between', { api_key: 'key with spaces' }, { 'X-API-Key': 'key with spaces' }],
  ])('%s', (_, parts, headers) => expect(credentials({ auth: { type: 'api_key' } }, parts)).toEqual({ headers }));

  test.each(['abc', 'Bearer abc', 'bearer  abc\n'])('a bearer token as %j', (bearer_token) =>
    expect(credentials({ auth: { type: 'bearer' } }, { bearer_token })).toEqual({
      headers: { Authorization: 'Bearer abc' },
    }),
  );

  test('of a client as any text, but without line breaks around it', () => {
    const parts = { client_id: ' é "quoted"\n', client_secret: '\tpäss\nwörd \r\n' };
    expect(credentials({ auth: OAUTH }, parts)).toMatchObject({
      oauth: { clientId: ' é "quoted"', clientSecret: 'päss\nwörd ' },
    });
  });

  test.each([
    ['an object as text', { headers: '{"tenant": "eu-1"}' }],
    ['a key of its own', { 'headers.tenant': 'eu-1\n' }],
    ['a flat key, with an empty nested one', { headers: { tenant: '' }, 'headers.tenant': 'eu-1' }],
  ])('of headers from %s, as the console makes it', (_, parts) =>
    expect(credentials(TENANT, parts)).toEqual({ headers: { 'X-Tenant': 'eu-1' } }),
  );

  test('of a key to encrypt with', () => {
    expect(credentials({ encrypted_fields: ['a'] }, { encryption_key: `${ENCRYPTION_KEY}\n` })).toEqual({
      headers: {},
      encryptionKey: ENCRYPTION_KEY,
    });
  });
});

test('what an integration does not use may hold anything', () => {
  const settings = [{}, { auth: { type: 'bearer' } }, { auth: { type: 'api_key' } }, { auth: OAUTH }, TENANT];
  const unused = fc.record({
    bearer_token: fc.anything(),
    api_key: fc.anything(),
    client_id: fc.anything(),
    client_secret: fc.anything(),
    headers: fc.anything(),
    encryption_key: fc.anything(),
  });
  const used = [
    {},
    { bearer_token: 'x' },
    { api_key: 'x' },
    { client_id: 'x', client_secret: 'x' },
    { headers: { tenant: 'x' } },
  ];
  fc.assert(
    fc.property(unused, fc.nat(settings.length - 1), (anything, index) => {
      const expected = credentials(settings[index] ?? {}, used[index]);
      expect(expected).toHaveProperty('headers');
      expect(credentials(settings[index] ?? {}, { ...anything, ...used[index] })).toEqual(expected);
    }),
  );
});

describe('what the secret lacks is named with the form that is expected', () => {
  test.each([
    [{ auth: { type: 'bearer' } }, `the secret has no bearer_token (${HEADER_VALUE}), which auth bearer needs`],
    [{ auth: { type: 'api_key' } }, `the secret has no api_key (${HEADER_VALUE}), which auth api_key needs`],
    [
      { auth: OAUTH },
      'the secret has no client_id (a text of 1 to 1024 characters), which auth oauth2_client_credentials needs, ' +
        'and no client_secret (a text of 1 to 4096 characters), which auth oauth2_client_credentials needs',
    ],
    [TENANT, `the secret has no headers.tenant (${HEADER_VALUE}), which header X-Tenant needs`],
    [
      { encrypted_fields: ['user.email'] },
      'the secret has no encryption_key (the base64 of 32 bytes), which encrypted_fields need',
    ],
  ])('%j', (settings, missing) => {
    expect(credentials(settings)).toEqual({ missing });
    const empty = { bearer_token: '', api_key: null, client_id: ' ', client_secret: '\n', encryption_key: null };
    for (const headers of [null, '', {}, { tenant: '' }]) {
      expect(credentials(settings, { ...empty, headers })).toEqual({ missing });
    }
  });

  test('one of several', () => {
    expect(credentials({ auth: OAUTH }, { client_id: 'me' })).toEqual({
      missing:
        'the secret has no client_secret (a text of 1 to 4096 characters), which auth oauth2_client_credentials needs',
    });
    expect(credentials({ headers: [{ name: 'A', from_secret: 'b' }] }, { headers: { a: 'x' } })).toHaveProperty(
      'missing',
    );
  });

  test.each(['constructor', 'toString', '__proto__', 'hasOwnProperty'])(
    'a header value called %s, which every object seems to have',
    (from_secret) => {
      const headers = [{ name: 'X-Tenant', from_secret }];
      const missing = `the secret has no headers.${from_secret} (${HEADER_VALUE}), which header X-Tenant needs`;
      expect(credentials({ headers })).toEqual({ missing });
      expect(credentials({ headers }, { headers: {} })).toEqual({ missing });
    },
  );
});

describe('a value of another form', () => {
  const inBearer = (bearer_token: unknown) => credentials({ auth: { type: 'bearer' } }, { bearer_token });
  const inApiKey = (api_key: unknown) => credentials({ auth: { type: 'api_key' } }, { api_key });
  const inHeader = (tenant: unknown) => credentials(TENANT, { headers: { tenant } });

  test.each([
    ['bearer_token', 'auth bearer', inBearer],
    ['api_key', 'auth api_key', inApiKey],
    ['headers.tenant', 'header X-Tenant', inHeader],
  ] as const)('%s is named without it', (key, needs, of) => {
    for (const value of ['a\r\nHost: hunter2', 'hünter2', 'hunter2\u0000', 'x'.repeat(4097), 5, true, ['x'], {}]) {
      expect(of(value)).toEqual({
        missing: `the secret has a value of ${key} that is not ${HEADER_VALUE}, which ${needs} needs`,
      });
    }
    expect(of('x'.repeat(4096))).toHaveProperty('headers');
  });

  test('a client’s', () => {
    const of = (client_id: unknown, client_secret: unknown) =>
      credentials({ auth: OAUTH }, { client_id, client_secret });
    expect(of('x'.repeat(1025), { hunter2: 1 })).toEqual({
      missing:
        'the secret has a value of client_id that is not a text of 1 to 1024 characters, which auth oauth2_client_credentials needs, ' +
        'and a value of client_secret that is not a text of 1 to 4096 characters, which auth oauth2_client_credentials needs',
    });
    expect(of('x'.repeat(1024), 'x'.repeat(4096))).toHaveProperty('oauth');
  });

  test('a key to encrypt with', () => {
    const of = (encryption_key: string) => credentials({ encrypted_fields: ['a'] }, { encryption_key });
    const bytes = (length: number) => of(Buffer.alloc(length, 7).toString('base64'));
    expect([16, 31, 32, 33, 64].map((length) => 'missing' in bytes(length))).toEqual([true, true, false, true, true]);
    expect(of('k'.repeat(32))).toEqual({
      missing:
        'the secret has a value of encryption_key that is not the base64 of 32 bytes, which encrypted_fields need',
    });
  });

  test('one that is there twice, also among the headers', () => {
    const repeated = new RepeatedKey('x');
    expect(inBearer(repeated)).toEqual({
      missing: `the secret has more than one bearer_token (${HEADER_VALUE}), which auth bearer needs`,
    });
    const tenant = {
      missing: `the secret has more than one headers.tenant (${HEADER_VALUE}), which header X-Tenant needs`,
    };
    expect(inHeader(repeated)).toEqual(tenant);
    expect(credentials(TENANT, { headers: new RepeatedKey({ tenant: 'x' }) })).toEqual(tenant);
  });
});
