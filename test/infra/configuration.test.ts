import { describe, expect, test } from '@jest/globals';
import AjvDraft04 from 'ajv-draft-04';
import { integrationsDocumentSchema } from '../../lambdas/contract/integration.ts';
import { flatten, resourcesOf, synthesize } from '../support/synthesized-stack.ts';
import { FROZEN_SEEDS } from './frozen-seeds.ts';

const template = synthesize('dev');

/** Strategies that no seed is deployed with. */
const OF_OPERATORS = ['ConfigurationStrategiesFlagsECB32AEC', 'ConfigurationStrategiesIntegrations81F44C06'];

describe('AppConfig', () => {
  test('the seeds are frozen: whatever changes here is deployed over what operators set since', () => {
    const seeds = Object.fromEntries(
      ['AWS::AppConfig::HostedConfigurationVersion', 'AWS::AppConfig::Deployment', 'AWS::AppConfig::DeploymentStrategy']
        .flatMap((type) => resourcesOf(template, type))
        .filter(([id]) => !OF_OPERATORS.includes(id))
        .map(([id, { Properties }]) => [id, Properties]),
    );
    expect(seeds).toEqual(FROZEN_SEEDS);
  });

  test('operators’ strategies reach all pollers at once, and watch what comes of it', () => {
    const strategies = OF_OPERATORS.map((id) => template.Resources[id]?.Properties);
    expect(strategies).toMatchObject([
      { Name: 'learning-time-webhooks-dev-flags', FinalBakeTimeInMinutes: 10 },
      { Name: 'learning-time-webhooks-dev-integrations', FinalBakeTimeInMinutes: 20 },
    ]);
    for (const strategy of strategies) {
      expect(strategy).toMatchObject({ GrowthType: 'LINEAR', GrowthFactor: 100, DeploymentDurationInMinutes: 0 });
    }
  });

  test('flags and integrations have an environment each', () => {
    const names = resourcesOf(template, 'AWS::AppConfig::Environment').map(([, { Properties }]) => Properties.Name);
    expect(names.sort()).toEqual(['flags', 'integrations']);
    const targets = resourcesOf(template, 'AWS::AppConfig::Deployment').map(([, { Properties }]) => [
      flatten(Properties.EnvironmentId),
      flatten(Properties.ConfigurationProfileId),
    ]);
    expect(targets).toEqual([
      ['<ConfigurationFlagsEnvironment>', '<ConfigurationFlagsProfileConfigurationProfile>'],
      ['<ConfigurationIntegrationsEnvironment>', '<ConfigurationIntegrationsProfileConfigurationProfile>'],
    ]);
  });
});

describe('the integrations’ validator', () => {
  const [validator, ...others] = resourcesOf(template, 'AWS::AppConfig::ConfigurationProfile').flatMap(
    ([, { Properties }]) => (Properties.Name === 'integrations' ? Properties.Validators : []),
  );
  const accepts = new AjvDraft04.default().compile(JSON.parse(validator.Content));
  const acme = { id: 'acme', url: 'https://lms.example.com/hooks?x=1' };
  const document = (...integrations: object[]) => ({ integrations });
  const withHeader = (name: string, rest: object = { value: 'x' }) => ({ headers: [{ name, ...rest }] });

  test('is one, draft-04, within AppConfig’s 32 KB', () => {
    expect(others).toEqual([]);
    expect(validator.Type).toBe('JSON_SCHEMA');
    expect(JSON.parse(validator.Content).$schema).toBe('http://json-schema.org/draft-04/schema#');
    expect(Buffer.byteLength(validator.Content)).toBeLessThan(32 * 1024);
  });

  test.each<[object]>([
    [document()],
    [{ paused: true, integrations: [acme] }],
    [document(acme, { ...acme, region: 'EU', active: false, timeout_seconds: 300 })],
  ])('takes the document %j, as the function does', (written) => {
    expect(accepts(written)).toBe(true);
    expect(integrationsDocumentSchema.safeParse(written).success).toBe(true);
  });

  test.each<[object]>([
    [{}],
    [{ paused: 'yes', integrations: [] }],
    [{ paused: true }],
    [{ integrations: [], version: 2 }],
    [document({ id: 'acme' })],
  ])('refuses the document %j, as the function does', (written) => {
    expect(accepts(written)).toBe(false);
    expect(integrationsDocumentSchema.safeParse(written).success).toBe(false);
  });

  test.each<[object]>([
    [{ auth: { type: 'none' } }],
    [{ auth: { type: 'bearer' } }],
    [{ auth: { type: 'api_key' } }],
    [{ auth: { type: 'api_key', header: 'X-Partner-Key' } }],
    [{ auth: { type: 'oauth2_client_credentials', token_url: 'https://login.example.com/token' } }],
    [{ auth: { type: 'oauth2_client_credentials', token_url: 'https://login.example.com/token', scope: 'hooks' } }],
    [withHeader('X-Tenant', { value: 'acme corp' })],
    [withHeader('X-Tenant', { from_secret: 'tenant' })],
    [withHeader('X-Host')],
    [withHeader('Hosts')],
    [{ auth: { type: 'bearer' }, ...withHeader('X-Tenant') }],
    [{ max_retries: 0 }],
    [{ max_retries: 10, max_retries_by_event_type: { course_enrollment: 0 } }],
    [{ retry_delays_seconds: [1, 86_400] }],
    [{ max_requests_per_minute: 1 }],
    [{ paused: true, resumed_at: '2026-11-05T10:00:00.000Z' }],
    [{ payload_format: 'percipio', duration_unit: 'minutes' }],
    [{ payload_format: 'completion_field' }],
    [{ encrypted_fields: ['user.email', 'user'] }],
    [{ event_types: ['course_completion'] }],
  ])('takes an integration with %j, as the function does', (change) => {
    const written = document({ ...acme, ...change });
    expect(accepts(written)).toBe(true);
    expect(integrationsDocumentSchema.safeParse(written).success).toBe(true);
  });

  test.each<[object]>([
    [{ colour: 'red' }],
    [{ url: 'ftp://lms.example.com' }],
    [{ url: 'https://user:secret@lms.example.com/hooks' }],
    [{ url: 'https://user@lms.example.com' }],
    [{ url: 'https://lms.example.com/hooks#part' }],
    [{ timeout_seconds: 4 }],
    [{ timeout_seconds: 301 }],
    [{ max_retries: 11 }],
    [{ max_retries: 1.5 }],
    [{ max_retries_by_event_type: { course_completion: 11 } }],
    [{ max_retries_by_event_type: { grading: 1 } }],
    [{ retry_delays_seconds: [] }],
    [{ retry_delays_seconds: [0] }],
    [{ retry_delays_seconds: [86_401] }],
    [{ retry_delays_seconds: Array(11).fill(1) }],
    [{ max_requests_per_minute: 0 }],
    [{ paused: 'true' }],
    [{ resumed_at: 'yesterday' }],
    [{ event_types: [] }],
    [{ event_types: ['grade'] }],
    [{ payload_format: 'xml' }],
    [{ duration_unit: 'days' }],
    [{ encrypted_fields: ['user..email'] }],
    [{ encrypted_fields: ['$.user.email'] }],
    [{ encrypted_fields: Array(21).fill('user') }],
    [{ auth: { type: 'basic' } }],
    [{ auth: 'bearer' }],
    [{ auth: {} }],
    [{ auth: { type: 'bearer', token: 'in the wrong place' } }],
    [{ auth: { type: 'api_key', header: 'Host' } }],
    [{ auth: { type: 'oauth2_client_credentials' } }],
    [{ auth: { type: 'oauth2_client_credentials', token_url: 'https://user:secret@login.example.com/token' } }],
    [withHeader('X-Tenant', {})],
    [withHeader('X-Tenant', { value: 'x', from_secret: 'tenant' })],
    [withHeader('X-Tenant', { value: 'two\r\nHost: lines' })],
    [withHeader('X Tenant')],
    [{ headers: { 'X-Tenant': 'acme' } }],
  ])('refuses an integration with %j, as the function does', (change) => {
    const written = document({ ...acme, ...change });
    expect(accepts(written)).toBe(false);
    expect(integrationsDocumentSchema.safeParse(written).success).toBe(false);
  });

  // JSON Schema's patterns have no flags: each letter stands there in both cases.
  test.each([
    'Host',
    'Content-Length',
    'Content-Type',
    'Transfer-Encoding',
    'Connection',
    'webhook-id',
    'Webhook-Other',
  ])('refuses the header %s in any case: the sender sets it itself', (name) => {
    const mixed = [...name].map((letter, at) => (at % 2 === 0 ? letter.toLowerCase() : letter.toUpperCase())).join('');
    for (const written of [name, name.toLowerCase(), name.toUpperCase(), mixed]) {
      expect([written, accepts(document({ ...acme, ...withHeader(written) }))]).toEqual([written, false]);
    }
  });

  // It sees one value at a time. The function refuses such an entry, says so, and keeps its last good one.
  test.each<[string, object]>([
    ['a header that is set twice', { headers: [...withHeader('X-A').headers, ...withHeader('x-a').headers] }],
    ['a header that `auth` sets', { auth: { type: 'bearer' }, ...withHeader('Authorization') }],
    ['an address that only a parser of URLs finds impossible', { url: 'https://[:::1]/' }],
  ])('cannot know of %s: the function does', (_fault, change) => {
    const written = document({ ...acme, ...change });
    expect(accepts(written)).toBe(true);
    expect(integrationsDocumentSchema.safeParse(written).success).toBe(false);
  });
});
