import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import * as z from 'zod';
import { integrationSchema, integrationsDocumentSchema } from '../../lambdas/partners/integration.ts';
import { PAYLOAD_FORMAT_OPTIONS, PAYLOAD_FORMATS } from '../../lambdas/partners/payload-formats/payload-formats.ts';
import { jsonSchemaValidator } from '../../local/appconfig/json-schema-validator.ts';

const GOOD = { id: 'acme', url: 'https://partner.example/hooks' };

/** The document's schema as AppConfig checks it before a version is taken. */
const operatorsValidator = jsonSchemaValidator(
  JSON.stringify(z.toJSONSchema(integrationsDocumentSchema, { target: 'draft-4', io: 'input' })),
);

const functionTakes = (overrides: Readonly<Record<string, unknown>>) =>
  integrationSchema.safeParse({ ...GOOD, ...overrides }).success;
const validatorTakes = (overrides: Readonly<Record<string, unknown>>) =>
  operatorsValidator(JSON.stringify({ integrations: [{ ...GOOD, ...overrides }] })).length === 0;

const reasonsOf = (overrides: object) =>
  (integrationSchema.safeParse({ ...GOOD, ...overrides }).error?.issues ?? []).map(({ message }) => message);

/** Whether an entry fits: for AppConfig's validator and for the function, which must agree. */
function fits(overrides: Readonly<Record<string, unknown>>): boolean {
  const taken = functionTakes(overrides);
  expect(validatorTakes(overrides)).toBe(taken);
  return taken;
}

test.each([
  [[200], /^must be 400 to 499: a 2xx is delivered/],
  [[301], /a redirect is the same on a retry/],
  [[503], /a 5xx is retried already/],
  [[401], /^401 has one more attempt with fresh credentials already/],
  [[429], /^429 is retried already/],
  [[404, 410], /^410 parks the integration/],
])('the retried statuses %j are refused, with the reason in one sentence', (retry_on_status, reason) => {
  expect(reasonsOf({ retry_on_status })).toEqual([expect.stringMatching(reason)]);
});

describe('an integration', () => {
  test('needs an id and a URL; the rest has defaults', () => {
    expect(integrationSchema.parse(GOOD)).toEqual({
      ...GOOD,
      active: true,
      paused: false,
      timeout_seconds: 15,
      max_retries: 9,
      retry_on_status: [],
      auth: { type: 'none' },
      client_certificate: false,
      contacts: [],
      headers: [],
      payload_format: 'learning_time_object',
      ...z.object(PAYLOAD_FORMAT_OPTIONS).parse({}),
      encrypted_fields: [],
      region: 'OTHER',
    });
  });

  const ACCEPTED = [
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
  ];
  test.each(ACCEPTED)('may have the address %s', (url) => expect(fits({ url })).toBe(true));

  // JSON Schema cannot express this rule: only the function refuses it.
  test.each([
    ['https://[:::1]/', /^is no URL$/],
    [`https://${'a.'.repeat(124)}example/`, /over 253/],
    ['https://partner.INVALID/', /cannot exist/],
    ['https://partner.localhost/hooks', /cannot exist/],
  ])('is refused by the function only with the address %s', (url, reason) => {
    expect(reasonsOf({ url })).toEqual([expect.stringMatching(reason)]);
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
    ['https://partner.example/\\other.example/', /backslash/],
    ['https://127.1/', /four numbers/],
    ['https://2130706433/', /four numbers/],
    ['https://1.2.3.04/', /four numbers/],
    ['https://1.2.3.999/', /four numbers/],
    ['https://[::1/', /./],
    ['https://[fe80::1%25eth0]/', /brackets/],
    ['https://b\u00fccher.example/', /not ASCII/],
    ['https://partner.example:0/', /port/],
    ['https://partner.example:/', /port/],
    ['', /^must be an http\(s\) URL/],
    ['ftp://partner.example/', /^must be an http\(s\) URL/],
    ['javascript:alert(1)', /^must be an http\(s\) URL/],
    [' https://partner.example/', /^must be an http\(s\) URL/],
    ['https:///hooks', /^has no host/],
    ['https://:443/', /^has no host/],
    ['https://a..b|c/', /cannot exist/],
    ['https://partner.example:65536/', /port/],
    ['https://partner.example:port/', /port/],
    // Copied from a text: an address is ASCII, or the request goes to another address than an operator reads.
    ['https://p\u0430rtner.example/', /not ASCII/],
    ['https://partner.example/caf\u00e9', /visible ASCII/],
    ['https://partner.example/a b', /visible ASCII/],
    ['https://partner.example/hooks\u00a0', /visible ASCII/],
    ['https://partner.example/hooks\n', /visible ASCII/],
  ])('is refused with the address %j, with the reason in one sentence', (url, reason) => {
    expect(fits({ url })).toBe(false);
    for (const entry of [{ url }, { auth: { type: 'oauth2_client_credentials', token_url: url } }]) {
      expect(reasonsOf(entry)).toEqual([expect.stringMatching(reason)]);
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
});

const LONG_URL = `https://partner.example/${'a'.repeat(2048)}`;
const OAUTH = { type: 'oauth2_client_credentials', token_url: 'https://auth.example/token' };
const header = (parts: object) => [{ name: 'X-Tenant', ...parts }];

/** Values of a field that fit, and values that do not. */
const FIELDS: Readonly<Record<string, { readonly fit: readonly unknown[]; readonly not: readonly unknown[] }>> = {
  id: { fit: ['a'], not: ['a/b', undefined] },
  url: { fit: [], not: [LONG_URL, undefined] },
  active: { fit: [false], not: ['yes'] },
  paused: { fit: [true], not: ['no'] },
  // A misspelt field must not pass for a setting.
  secret: { fit: [], not: ['an unknown field'] },
  event_types: { fit: [['course_completion']], not: [[], ['grading']] },
  region: { fit: ['EU'], not: ['ASIA'] },
  enterprise_customer_uuid: { fit: ['7d2c1b3a-0000-4000-8000-000000000001'], not: ['a:b'] },
  payload_format: { fit: PAYLOAD_FORMATS, not: ['xml'] },
  duration_unit: { fit: ['minutes'], not: ['days'] },
  max_retries: { fit: [0, 1, 10], not: [-1, 11, 0.5, '0', null] },
  max_requests_per_minute: { fit: [1, 2, 60_000], not: [0, 60_001, 1.5, '1', null] },
  timeout_seconds: { fit: [5, 6, 300], not: [4, 301, 5.5, '5', null] },
  max_retries_by_event_type: {
    fit: [{ course_completion: 0 }, { course_completion: 10, course_enrollment: 3 }, {}],
    not: [{ course_completion: 11 }, { course_completion: -1 }, { grading: 3 }, 3],
  },
  retry_delays_seconds: {
    fit: [[1], [86_400], Array(10).fill(60)],
    not: [[], [0], [86_401], [1.5], Array(11).fill(60), 60],
  },
  retry_on_status: {
    fit: [[], [404], [400, 403, 409, 418, 423, 499]],
    not: [[399], [500], [200], [301], [401], [408], [410], [425], [429], [404.5], ['404'], 404, Array(21).fill(404)],
  },
  resumed_at: {
    fit: ['2026-01-15T12:00:00Z', '2026-01-15T12:00:00.123Z'],
    not: ['2026-01-15', '2026-01-15T12:00:00+01:00', 'now'],
  },
  auth: {
    fit: [
      { type: 'none' },
      { type: 'bearer' },
      { type: 'api_key' },
      { type: 'api_key', header: 'Authorization' },
      OAUTH,
      { ...OAUTH, scope: 'read write' },
      { ...OAUTH, scope: '' },
      { ...OAUTH, token_request: 'form', client_authentication: 'basic', audience: 'https://api.example/' },
    ],
    not: [
      {},
      { type: 'basic' },
      // Secrets belong in the secret.
      { type: 'bearer', token: 'abc' },
      { type: 'api_key', api_key: 'abc' },
      { type: 'none', header: 'X-API-Key' },
      { type: 'oauth2_client_credentials' },
      { ...OAUTH, token_url: 'auth.example' },
      { ...OAUTH, scope: 'a"b' },
      { ...OAUTH, scope: 'read  write' },
      { ...OAUTH, scope: 's'.repeat(257) },
      { ...OAUTH, token_request: 'xml' },
      { ...OAUTH, client_authentication: 'header' },
      { ...OAUTH, audience: '' },
      { ...OAUTH, audience: 'caf\u00e9' },
      { type: 'bearer', token_request: 'form' },
      { type: 'api_key', header: 'Webhook-Signature' },
    ],
  },
  headers: {
    fit: [
      ...['x', 'two words', '~', '{"a":1}', 'v'.repeat(4096)].map((value) => header({ value })),
      [...header({ from_secret: 'tenant' }), { name: 'X-Source', value: 'lms' }],
      ...['x-tenant', 'authorization', 'user-agent', 'Hosting', 'X-Host', 'Contents', 'a', "!#$%&'*+.^_`|~-9"].map(
        (name) => header({ name, value: 'x' }),
      ),
      header({ name: 'h'.repeat(64), value: 'x' }),
      Array.from({ length: 20 }, (_, index) => ({ name: `X-${index}`, value: 'x' })),
    ],
    not: [
      ...['', ' ', ' x', 'x ', 'a\r\nHost: b', 'a\nb', 'a\tb', 'é', '\u0000', 'x\u007f', 'v'.repeat(4097), 5, null].map(
        (value) => header({ value }),
      ),
      ...['', 'a.b', 'a b', 'k'.repeat(65), 5].map((from_secret) => header({ from_secret })),
      ...['', 'X Tenant', 'X-Tenant:', 'X-Tenänt', 'X\r\nHost', ' host', 'host ', 'X-Tenant\n', 'a/b', '"a"'].map(
        (name) => header({ name, value: 'x' }),
      ),
      header({ name: 'h'.repeat(65), value: 'x' }),
      header({}),
      header({ value: 'x', from_secret: 'tenant' }),
      Array.from({ length: 21 }, (_, index) => ({ name: `X-${index}`, value: 'x' })),
    ],
  },
  encrypted_fields: {
    fit: [...['email', 'user.email', 'a.b.c.d.e.f.g.h', 'user_id', 'f-1'].map((path) => [path]), Array(20).fill('a')],
    not: [
      ...['', '.', 'user.', '.email', 'user..email', 'user email', 'a.b.c.d.e.f.g.h.i', '$.user', 'users[0]', 5].map(
        (path) => [path],
      ),
      Array(21).fill('a'),
    ],
  },
  contacts: {
    fit: [
      [],
      ['team@partner.example', "o'hara+hooks@mail.partner.example"],
      [`${'a'.repeat(64)}@partner.example`],
      Array.from({ length: 10 }, (_, n) => `a${n}@partner.example`),
    ],
    not: [
      ...['', 'team', '@partner.example', 'team@', 'team@localhost', 'team@partner.example.', 'a b@partner.example'],
      ...['.a@partner.example', 'a..b@partner.example', 'a@b@partner.example', 'tëam@partner.example'],
      ...['Team <team@partner.example>', 'mailto:team@partner.example', 'team@[192.0.2.1]', 'a@x.example,b@x.example'],
      `${'a'.repeat(250)}@partner.example`,
    ]
      .map((address) => [address] as unknown)
      .concat(['team@partner.example', Array.from({ length: 11 }, (_, n) => `a${n}@partner.example`)]),
  },
};

test.each(Object.entries(FIELDS))('%s takes its valid values only', (field, { fit, not }) => {
  expect(fit.filter((value) => !fits({ [field]: value }))).toEqual([]);
  expect(not.filter((value) => fits({ [field]: value }))).toEqual([]);
});

test('the scope and the header of a key have defaults', () => {
  const auth = (value: object) => integrationSchema.parse({ ...GOOD, auth: value }).auth;
  expect(auth(OAUTH)).toHaveProperty('scope', 'api');
  expect(auth({ type: 'api_key' })).toHaveProperty('header', 'X-API-Key');
});

describe('a header', () => {
  const named = (name: string) => fits({ headers: [{ name, value: 'x' }] });

  test.each([
    'host',
    'content-length',
    'transfer-encoding',
    'te',
    'webhook-',
    'webhook-anything',
    'event-type',
    'payload-format',
    'traceparent',
  ])('may not be called %s, in any case', (name) => {
    const written = fc
      .array(fc.boolean(), { minLength: name.length, maxLength: name.length })
      .map((upper) => [...name].map((letter, index) => (upper[index] ? letter.toUpperCase() : letter)).join(''));
    fc.assert(
      fc.property(written, (spelt) => expect(named(spelt)).toBe(false)),
      { numRuns: 20 },
    );
    expect(named(name.toUpperCase())).toBe(false);
  });

  // JSON Schema cannot compare two fields: only the function refuses it.
  test.each([
    ['X-A', { headers: [{ name: 'x-a', from_secret: 'a' }] }],
    ['Authorization', { auth: { type: 'bearer' } }],
    ['authorization', { auth: OAUTH }],
    ['x-api-KEY', { auth: { type: 'api_key' } }],
    ['X-KEY', { auth: { type: 'api_key', header: 'X-Key' } }],
  ])('is not set twice: %s with %j', (name, { auth, headers = [] }: { auth?: object; headers?: object[] }) => {
    const entry = { ...(auth && { auth }), headers: [...headers, { name, value: 'x' }] };
    const path = ['headers', headers.length, 'name'];
    const { error } = integrationSchema.safeParse({ ...GOOD, ...entry });
    expect(error?.issues).toMatchObject([{ path, message: 'is set twice' }]);
    expect(validatorTakes(entry)).toBe(true);
  });
});

// As above, the validator cannot compare two fields.
test('a client certificate needs HTTPS', () => {
  const entry = { url: 'http://localhost:8080', client_certificate: true };
  const { error } = integrationSchema.safeParse({ ...GOOD, ...entry });
  const message = 'needs a url that begins with https://: plain HTTP has no certificates';
  expect(error?.issues).toMatchObject([{ path: ['client_certificate'], message }]);
  expect(validatorTakes(entry)).toBe(true);
});

describe('the integrations document', () => {
  const takes = (document: object) => {
    const taken = integrationsDocumentSchema.safeParse(document).success;
    expect(operatorsValidator(JSON.stringify(document)).length === 0).toBe(taken);
    return taken;
  };

  test.each([
    [true, { integrations: [GOOD] }],
    [true, { integrations: [], paused: true }],
    [false, { integrations: [GOOD], version: 1 }],
    [false, { integrations: [], paused: 'yes' }],
    [false, { paused: true }],
  ])('is a list, a pause for all, and nothing else (%p): %j', (isValid, document) => {
    expect(takes(document)).toBe(isValid);
  });

  test('has at most 2000 integrations', () => {
    expect([2000, 2001].map((length) => takes({ integrations: Array(length).fill(GOOD) }))).toEqual([true, false]);
  });
});
