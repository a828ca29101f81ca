import { describe, expect, test } from '@jest/globals';
import { type IntegrationSecret, integrationSecretSchema } from '../../lambdas/contract/integration-secret.ts';
import { credentialsOf } from '../../lambdas/domain/credentials.ts';
import { integration } from '../support/factories.ts';

const SIGNING_SECRET = `whsec_${Buffer.alloc(32, 1).toString('base64')}`;
const ENCRYPTION_KEY = Buffer.alloc(32, 2).toString('base64');

const secret = (parts: Readonly<Record<string, unknown>> = {}): IntegrationSecret =>
  integrationSecretSchema.parse({ signing_secrets: [SIGNING_SECRET], ...parts });

/** Of an integration with these settings and a secret with these parts. */
const credentials = (settings: Readonly<Record<string, unknown>>, parts?: Readonly<Record<string, unknown>>) =>
  credentialsOf(integration(settings), secret(parts));

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

  test('all of it together', () => {
    const headers = [{ name: 'X-Tenant', from_secret: 'tenant' }];
    expect(credentials({ auth: { type: 'bearer' }, headers, encrypted_fields: ['user.email'] }, EVERYTHING)).toEqual({
      headers: { 'X-Tenant': 'tenant-value', Authorization: 'Bearer bearer-value' },
    });
    expect(credentials({ auth: OAUTH, headers }, EVERYTHING)).toMatchObject({
      headers: { 'X-Tenant': 'tenant-value' },
      oauth: { clientId: 'id-value', clientSecret: 'secret-value' },
    });
  });

  test('a header by a name that means something to JavaScript', () => {
    const { headers } = credentials({ headers: [{ name: '__proto__', value: 'x' }] }) as { headers: object };
    expect(Object.entries(headers)).toEqual([['__proto__', 'x']]);
  });
});

describe('what the secret lacks is named', () => {
  test.each([
    [{ auth: { type: 'bearer' } }, 'the secret has no bearer_token, which auth bearer needs'],
    [{ auth: { type: 'api_key' } }, 'the secret has no api_key, which auth api_key needs'],
    [
      { auth: OAUTH },
      'the secret has no client_id, which auth oauth2_client_credentials needs, ' +
        'and no client_secret, which auth oauth2_client_credentials needs',
    ],
    [
      { headers: [{ name: 'X-Tenant', from_secret: 'tenant' }] },
      'the secret has no headers.tenant, which header X-Tenant needs',
    ],
    [{ encrypted_fields: ['user.email'] }, 'the secret has no encryption_key, which encrypted_fields need'],
  ])('%j', (settings, missing) => expect(credentials(settings)).toEqual({ missing }));

  test('one of several', () => {
    expect(credentials({ auth: OAUTH }, { client_id: 'me' })).toEqual({
      missing: 'the secret has no client_secret, which auth oauth2_client_credentials needs',
    });
    expect(credentials({ headers: [{ name: 'A', from_secret: 'b' }] }, { headers: { a: 'x' } })).toHaveProperty(
      'missing',
    );
  });

  test.each(['constructor', 'toString', '__proto__', 'hasOwnProperty'])(
    'a header value called %s, which every object seems to have',
    (from_secret) => {
      const headers = [{ name: 'X-Tenant', from_secret }];
      const missing = `the secret has no headers.${from_secret}, which header X-Tenant needs`;
      expect(credentials({ headers })).toEqual({ missing });
      expect(credentials({ headers }, { headers: {} })).toEqual({ missing });
    },
  );

  test('without any value', () => {
    const settings = { auth: OAUTH, headers: [{ name: 'X-Tenant', from_secret: 'other' }] };
    expect(JSON.stringify(credentials(settings, { ...EVERYTHING, client_secret: undefined }))).not.toMatch(/-value/);
  });
});
