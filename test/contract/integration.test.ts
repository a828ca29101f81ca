import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import * as z from 'zod';
import { integrationSchema, integrationsDocumentSchema } from '../../lambdas/contract/integration.ts';
import { PAYLOAD_FORMAT_OPTIONS } from '../../lambdas/partners/payload-formats/payload-formats.ts';
import { jsonSchemaValidator } from '../../local/control-plane/json-schema-validator.ts';

const GOOD = { id: 'acme', url: 'https://partner.example/hooks' };

/** The document's schema as AppConfig checks it before a version is taken. */
const operatorsValidator = jsonSchemaValidator(
  JSON.stringify(z.toJSONSchema(integrationsDocumentSchema, { target: 'draft-4', io: 'input' })),
);

const functionTakes = (overrides: Readonly<Record<string, unknown>>) =>
  integrationSchema.safeParse({ ...GOOD, ...overrides }).success;
const validatorTakes = (overrides: Readonly<Record<string, unknown>>) =>
  operatorsValidator(JSON.stringify({ integrations: [{ ...GOOD, ...overrides }] })).length === 0;

/** Whether an entry fits: for AppConfig's validator and for the function, which must agree. */
function fits(overrides: Readonly<Record<string, unknown>>): boolean {
  const taken = functionTakes(overrides);
  expect(validatorTakes(overrides)).toBe(taken);
  return taken;
}

describe('an integration', () => {
  test('needs an id and a URL; the rest has defaults', () => {
    expect(integrationSchema.parse(GOOD)).toEqual({
      ...GOOD,
      active: true,
      paused: false,
      timeout_seconds: 15,
      max_retries: 9,
      auth: { type: 'none' },
      headers: [],
      payload_format: 'learning_time_object',
      ...z.object(PAYLOAD_FORMAT_OPTIONS).parse({}),
      encrypted_fields: [],
      region: 'OTHER',
    });
    expect(fits({ id: undefined })).toBe(false);
    expect(fits({ url: undefined })).toBe(false);
  });

  test.each([
    'https://partner.example',
    'https://partner.example:65535/',
    'https://[2600::1]:8443/hooks',
    'https://partner.example:8443/hooks/completions?tenant=1',
    'https://partner.example?tenant=1',
    'http://127.0.0.1:8080/',
    'http://localhost:8080/hooks',
    'https://203.0.113.9/hooks',
    'https://xn--bcher-kva.example/',
    'https://1password.partner.example/',
    'https://a-b--c.partner.co.uk/',
    `https://${'a'.repeat(63)}.partner.example/`,
    'https://partner.example/caf%C3%A9',
    'https://xn--caf-dma.example/',
    'https://partner.example/a@b',
    'https://partner.example/a?b=[1]&c=^{}|~',
  ])('receives at %s', (url) => expect(fits({ url })).toBe(true));

  test.each([
    'https://user:password@partner.example/',
    'https://partner.example/#part',
    'https://partner.example/a b',
    'https:///hooks',
    'https://',
    'partner.example/hooks',
    'ftp://partner.example/',
    'javascript:alert(1)',
    ' https://partner.example/',
    'https://partner.example:65536/',
    'https://partner.example:0/',
    'https://partner.example:port/',
    'https://:443/',
    'https://[::1/',
    'https://a..b|c/',
    // Copied from a text: an address is ASCII, or the request goes elsewhere than where it was read to go.
    'https://partner.example/caf\u00e9',
    'https://p\u0430rtner.example/',
    'https://partner.example/hooks\u00a0',
    'https://partner.example/hooks\n',
    '',
  ])('does not receive at %j', (url) => expect(fits({ url })).toBe(false));

  // What takes a URL parser to see, JSON Schema cannot say: the function refuses it alone.
  test.each([
    'https://[:::1]/',
    `https://${'a.'.repeat(124)}example/`,
    'https://partner.invalid/',
    'https://partner.localhost/hooks',
  ])('does not receive at %s', (url) => {
    expect(functionTakes({ url })).toBe(false);
    expect(validatorTakes({ url })).toBe(true);
  });

  test.each([
    ['partner.example/hooks', /^must be an http\(s\) URL/],
    ['https://user:word@partner.example/', /^must not hold a user name/],
    ['https://partner.example/#part', /fragment/],
    ['https://', /^has no host/],
    ['https://localhost/', /without a domain/],
    ['http://LocalHost/', /without a domain/],
    ['https://p', /without a domain/],
    ['https://*.example/', /wildcard/],
    ['https://my_app.example/', /underscore/],
    ['https://partner.example./', /dot at its end/],
    ['https://-p.example/', /cannot exist/],
    ['https://p-.example/', /cannot exist/],
    ['https://p.example-/', /cannot exist/],
    ['https://a..b/', /cannot exist/],
    ['https://p.123/', /cannot exist/],
    ['https://p.0x7f/', /cannot exist/],
    [`https://${'a'.repeat(64)}.example/`, /cannot exist/],
    ['https://a%zz.example/', /cannot exist/],
    ['https://partner.INVALID/', /cannot exist/],
    ['https://partner.example/\\other.example/', /backslash/],
    [`https://${'a.'.repeat(124)}example/`, /over 253/],
    ['https://127.1/', /four numbers/],
    ['https://2130706433/', /four numbers/],
    ['https://1.2.3.04/', /four numbers/],
    ['https://1.2.3.999/', /four numbers/],
    ['https://[::1/', /./],
    ['https://[fe80::1%25eth0]/', /brackets/],
    ['https://b\u00fccher.example/', /not ASCII/],
    ['https://partner.example:0/', /port/],
    ['https://partner.example:/', /port/],
    ['https://partner.example/caf\u00e9', /visible ASCII/],
  ])('does not receive at %j, and says why in one sentence', (url, words) => {
    for (const entry of [{ url }, { auth: { type: 'oauth2_client_credentials', token_url: url } }]) {
      const issues = integrationSchema.safeParse({ ...GOOD, ...entry }).error?.issues ?? [];
      expect(issues.map(({ message }) => message)).toEqual([expect.stringMatching(words)]);
    }
  });

  test('has a host that validator, function and URL parser read alike', () => {
    const part = fc.stringMatching(/^[A-Za-z0-9_*%.-]{0,6}$/);
    const host = fc.oneof(
      fc.tuple(part, part).map(([one, two]) => `${one}.${two}`),
      part,
      fc.ipV4(),
      fc.domain(),
    );
    fc.assert(
      fc.property(host, (name) => {
        const url = `https://${name}/`;
        if (!fits({ url })) return;
        expect(new URL(url).hostname).toBe(name.toLowerCase());
      }),
    );
  });

  test('does not receive at a URL of over 2048 characters', () => {
    expect(fits({ url: `https://partner.example/${'a'.repeat(2048)}` })).toBe(false);
  });

  test.each([
    ['event_types', []],
    ['event_types', ['grading']],
    ['region', 'ASIA'],
    ['active', 'yes'],
    ['enterprise_customer_uuid', 'a:b'],
    ['id', 'a/b'],
    ['paused', 'no'],
    ['payload_format', 'xml'],
    ['duration_unit', 'days'],
    ['secret', 'an unknown field: a typing error must not pass for a setting'],
  ])('does not fit with %s %p', (field, value) => expect(fits({ [field]: value })).toBe(false));
});

test.each([
  ['max_retries', 0, 10],
  ['max_requests_per_minute', 1, 60_000],
  ['timeout_seconds', 5, 300],
])('%s is a whole number of %i to %i', (field, least, most) => {
  for (const value of [least, least + 1, most]) expect(fits({ [field]: value })).toBe(true);
  for (const value of [least - 1, most + 1, least + 0.5, String(least), null])
    expect(fits({ [field]: value })).toBe(false);
});

describe('retries', () => {
  test.each([
    [{ course_completion: 0 }, true],
    [{ course_completion: 10, course_enrollment: 3 }, true],
    [{}, true],
    [{ course_completion: 11 }, false],
    [{ course_completion: -1 }, false],
    [{ grading: 3 }, false],
    [3, false],
  ])('by type of event: %j', (max_retries_by_event_type, ok) => expect(fits({ max_retries_by_event_type })).toBe(ok));

  test.each([
    [[1], true],
    [[86_400], true],
    [Array(10).fill(60), true],
    [[], false],
    [[0], false],
    [[86_401], false],
    [[1.5], false],
    [Array(11).fill(60), false],
    [60, false],
  ])('after delays of %j', (retry_delays_seconds, ok) => expect(fits({ retry_delays_seconds })).toBe(ok));
});

test.each([
  ['2026-01-15T12:00:00Z', true],
  ['2026-01-15T12:00:00.123Z', true],
  ['2026-01-15', false],
  ['2026-01-15T12:00:00+01:00', false],
  ['now', false],
])('resumed at %s', (resumed_at, ok) => expect(fits({ resumed_at })).toBe(ok));

describe('how a request proves who sends it', () => {
  const token_url = 'https://auth.example/token';

  test.each([
    [{ type: 'none' }],
    [{ type: 'bearer' }],
    [{ type: 'api_key' }],
    [{ type: 'api_key', header: 'Authorization' }],
    [{ type: 'oauth2_client_credentials', token_url }],
    [{ type: 'oauth2_client_credentials', token_url, scope: 'read write' }],
  ])('%j', (auth) => expect(fits({ auth })).toBe(true));

  test.each([
    ['no type', {}],
    ['a type that nobody knows', { type: 'basic' }],
    ['a token, which belongs into the secret', { type: 'bearer', token: 'abc' }],
    ['a key, which belongs into the secret', { type: 'api_key', api_key: 'abc' }],
    ['another kind’s setting', { type: 'none', header: 'X-API-Key' }],
    ['no token_url', { type: 'oauth2_client_credentials' }],
    ['a token_url that is no address', { type: 'oauth2_client_credentials', token_url: 'auth.example' }],
    ['a scope with a quote', { type: 'oauth2_client_credentials', token_url, scope: 'a"b' }],
    ['scopes cut by two spaces', { type: 'oauth2_client_credentials', token_url, scope: 'read  write' }],
    ['a scope of over 256 characters', { type: 'oauth2_client_credentials', token_url, scope: 's'.repeat(257) }],
    ['a header of ours', { type: 'api_key', header: 'Webhook-Signature' }],
  ])('not with %s', (_, auth) => expect(fits({ auth })).toBe(false));

  test('Percipio’s scope and the usual header need not be written', () => {
    const auth = (value: object) => integrationSchema.parse({ ...GOOD, auth: value }).auth;
    expect(auth({ type: 'oauth2_client_credentials', token_url })).toHaveProperty('scope', 'api');
    expect(auth({ type: 'api_key' })).toHaveProperty('header', 'X-API-Key');
  });
});

describe('a header', () => {
  const named = (name: string) => fits({ headers: [{ name, value: 'x' }] });
  const valued = (value: unknown) => fits({ headers: [{ name: 'X-Tenant', value }] });

  test.each([
    'X-Tenant',
    'x-tenant',
    'authorization',
    'user-agent',
    'Hosting',
    'X-Host',
    'Contents',
    'a',
    "!#$%&'*+.^_`|~-9",
    'h'.repeat(64),
  ])('may be called %s', (name) => expect(named(name)).toBe(true));

  test.each(['host', 'content-length', 'transfer-encoding', 'te', 'webhook-', 'webhook-anything'])(
    'may not be called %s, in any case',
    (name) => {
      const written = fc
        .array(fc.boolean(), { minLength: name.length, maxLength: name.length })
        .map((upper) => [...name].map((letter, index) => (upper[index] ? letter.toUpperCase() : letter)).join(''));
      fc.assert(
        fc.property(written, (spelt) => expect(named(spelt)).toBe(false)),
        { numRuns: 20 },
      );
      expect(named(name.toUpperCase())).toBe(false);
    },
  );

  test.each([
    '',
    'X Tenant',
    'X-Tenant:',
    'X-Tenänt',
    'X\r\nHost',
    ' host',
    'host ',
    'X-Tenant\n',
    'h'.repeat(65),
    'a/b',
    '"a"',
  ])('may not be called %j', (name) => expect(named(name)).toBe(false));

  test.each(['x', 'two words', '~', '{"a":1}', 'v'.repeat(4096)])('may be %j', (value) =>
    expect(valued(value)).toBe(true),
  );

  test.each(['', ' ', ' x', 'x ', 'a\r\nHost: b', 'a\nb', 'a\tb', 'é', '\u0000', 'x\u007f', 'v'.repeat(4097), 5, null])(
    'may not be %j',
    (value) => expect(valued(value)).toBe(false),
  );

  test('has its value in the entry or in the secret, and in one of them only', () => {
    const header = (parts: object) => fits({ headers: [{ name: 'X-Tenant', ...parts }] });
    expect(header({ from_secret: 'tenant' })).toBe(true);
    expect(header({})).toBe(false);
    expect(header({ value: 'x', from_secret: 'tenant' })).toBe(false);
    for (const from_secret of ['', 'a.b', 'a b', 'k'.repeat(65), 5]) expect(header({ from_secret })).toBe(false);
  });

  test('is one of twenty at the most', () => {
    const headers = (count: number) =>
      Array.from({ length: count }, (_, index) => ({ name: `X-${index}`, value: 'x' }));
    expect(fits({ headers: headers(20) })).toBe(true);
    expect(fits({ headers: headers(21) })).toBe(false);
  });

  // What compares two fields, JSON Schema cannot say: the function refuses it alone.
  test.each([
    [
      'twice',
      {
        headers: [
          { name: 'X-A', value: '1' },
          { name: 'x-a', from_secret: 'a' },
        ],
      },
    ],
    ['beside a bearer token', { auth: { type: 'bearer' }, headers: [{ name: 'Authorization', value: 'x' }] }],
    [
      'beside an OAuth2 token',
      {
        auth: { type: 'oauth2_client_credentials', token_url: 'https://auth.example/' },
        headers: [{ name: 'authorization', value: 'x' }],
      },
    ],
    ['beside the usual key', { auth: { type: 'api_key' }, headers: [{ name: 'x-api-KEY', value: 'x' }] }],
    [
      'beside a key of that name',
      { auth: { type: 'api_key', header: 'X-Key' }, headers: [{ name: 'X-KEY', value: 'x' }] },
    ],
  ])('is not set %s', (_, entry) => {
    const result = integrationSchema.safeParse({ ...GOOD, ...entry });
    expect(result.error?.issues).toMatchObject([
      { path: ['headers', expect.any(Number), 'name'], message: 'is set twice' },
    ]);
    expect(validatorTakes(entry)).toBe(true);
  });
});

describe('a field to encrypt', () => {
  test.each(['email', 'user.email', 'a.b.c.d.e.f.g.h', 'user_id', 'f-1'])('%s', (path) => {
    expect(fits({ encrypted_fields: [path] })).toBe(true);
  });

  test.each(['', '.', 'user.', '.email', 'user..email', 'user email', 'a.b.c.d.e.f.g.h.i', '$.user', 'users[0]', 5])(
    'not %j',
    (path) => expect(fits({ encrypted_fields: [path] })).toBe(false),
  );

  test('is one of twenty at the most', () => {
    expect(fits({ encrypted_fields: Array(20).fill('a') })).toBe(true);
    expect(fits({ encrypted_fields: Array(21).fill('a') })).toBe(false);
  });
});

describe('the integrations document', () => {
  const takes = (document: object) => {
    const taken = integrationsDocumentSchema.safeParse(document).success;
    expect(operatorsValidator(JSON.stringify(document)).length === 0).toBe(taken);
    return taken;
  };

  test('is a list, a pause for all, and nothing else', () => {
    expect(takes({ integrations: [GOOD] })).toBe(true);
    expect(takes({ integrations: [], paused: true })).toBe(true);
    expect(takes({ integrations: [GOOD], version: 1 })).toBe(false);
    expect(takes({ integrations: [], paused: 'yes' })).toBe(false);
    expect(takes({ paused: true })).toBe(false);
  });

  test('holds 2000 integrations at the most', () => {
    expect(takes({ integrations: Array(2000).fill(GOOD) })).toBe(true);
    expect(takes({ integrations: Array(2001).fill(GOOD) })).toBe(false);
  });
});

test('an entry with everything in it is taken by both', () => {
  expect(
    fits({
      active: false,
      paused: true,
      resumed_at: '2026-01-15T12:00:00.000Z',
      event_types: ['course_completion'],
      timeout_seconds: 60,
      max_retries: 3,
      max_retries_by_event_type: { course_enrollment: 1 },
      retry_delays_seconds: [1, 60],
      max_requests_per_minute: 120,
      auth: { type: 'api_key', header: 'X-Key' },
      headers: [
        { name: 'X-Source', value: 'lms' },
        { name: 'X-Tenant', from_secret: 'tenant' },
      ],
      payload_format: 'percipio',
      duration_unit: 'minutes',
      encrypted_fields: ['user.email'],
      enterprise_customer_uuid: '7d2c1b3a-0000-4000-8000-000000000001',
      region: 'EU',
    }),
  ).toBe(true);
});
