import { describe, expect, test } from '@jest/globals';
import { integrationSchema, integrationsDocumentSchema } from '../../lambdas/contract/integration.ts';

const GOOD = { id: 'acme', url: 'https://partner.example/hooks' };
const fits = (overrides: Record<string, unknown>) => integrationSchema.safeParse({ ...GOOD, ...overrides }).success;

describe('an integration', () => {
  test('needs an id and a URL; the rest has defaults', () => {
    expect(integrationSchema.parse(GOOD)).toEqual({ ...GOOD, active: true, timeout_seconds: 15, region: 'OTHER' });
    expect(fits({ id: undefined })).toBe(false);
    expect(fits({ url: undefined })).toBe(false);
  });

  test.each([
    'https://partner.example',
    'https://partner.example:8443/hooks/completions?tenant=1',
    'https://partner.example?tenant=1',
    'http://127.0.0.1:8080/',
    'https://partner.example/caf\u00e9',
    'https://partner.example/a@b',
  ])('receives at %s', (url) => expect(fits({ url })).toBe(true));

  test.each([
    'https://user:password@partner.example/',
    'https://user@partner.example/',
    'https://partner.example/#part',
    'https://partner.example/a b',
    'https:///hooks',
    'https://',
    'partner.example/hooks',
    'ftp://partner.example/',
    'file:///etc/passwd',
    'javascript:alert(1)',
    ' https://partner.example/',
    '',
  ])('does not receive at %j', (url) => expect(fits({ url })).toBe(false));

  test('does not receive at a URL of over 2048 characters', () => {
    expect(fits({ url: `https://partner.example/${'a'.repeat(2048)}` })).toBe(false);
  });

  test.each([5, 15, 300])('may take %i s for one try', (timeout_seconds) =>
    expect(fits({ timeout_seconds })).toBe(true),
  );

  test.each([0, 4, 301, 5.5, '15', null])('may not take %p s', (timeout_seconds) =>
    expect(fits({ timeout_seconds })).toBe(false),
  );

  test.each([
    ['event_types', []],
    ['event_types', ['lead']],
    ['region', 'ASIA'],
    ['active', 'yes'],
    ['enterprise_customer_uuid', 'a:b'],
    ['id', 'a/b'],
    ['secret', 'an unknown field: a typing error must not pass for a setting'],
  ])('does not fit with %s %p', (field, value) => expect(fits({ [field]: value })).toBe(false));
});

describe('the integrations document', () => {
  test('is a list and nothing else', () => {
    expect(integrationsDocumentSchema.safeParse({ integrations: [GOOD] }).success).toBe(true);
    expect(integrationsDocumentSchema.safeParse({ integrations: [GOOD], version: 1 }).success).toBe(false);
  });
});
