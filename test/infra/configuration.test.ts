import { describe, expect, test } from '@jest/globals';
import AjvDraft04 from 'ajv-draft-04';
import { integrationsDocumentSchema } from '../../lambdas/partners/integration.ts';
import { propertiesOf, resourcesOf, synthesize } from '../support/synthesized-stack.ts';
import { FROZEN_SEEDS } from './frozen-seeds.ts';

const template = synthesize('dev');

/** The strategies of operators, which no seed is deployed with. */
const OF_OPERATORS = ['ConfigurationStrategiesFlagsECB32AEC', 'ConfigurationStrategiesIntegrations81F44C06'];

describe('AppConfig', () => {
  test('the seeds never change: a change would be deployed over the operators’ versions', () => {
    const seeds = Object.fromEntries(
      ['AWS::AppConfig::HostedConfigurationVersion', 'AWS::AppConfig::Deployment', 'AWS::AppConfig::DeploymentStrategy']
        .flatMap((type) => resourcesOf(template, type))
        .filter(([id]) => !OF_OPERATORS.includes(id))
        .map(([id, { Properties }]) => [id, Properties]),
    );
    expect(seeds).toEqual(FROZEN_SEEDS);
  });

  test('operators’ strategies deploy to all pollers at once, with a bake time', () => {
    const atOnce = { GrowthType: 'LINEAR', GrowthFactor: 100, DeploymentDurationInMinutes: 0 };
    expect(OF_OPERATORS.map((id) => template.Resources[id]?.Properties)).toMatchObject([
      { Name: 'learning-time-webhooks-dev-flags', FinalBakeTimeInMinutes: 10, ...atOnce },
      { Name: 'learning-time-webhooks-dev-integrations', FinalBakeTimeInMinutes: 20, ...atOnce },
    ]);
  });
});

describe('the integrations’ validator', () => {
  const [validator, ...others] = propertiesOf(template, 'AWS::AppConfig::ConfigurationProfile').flatMap(
    ({ Name, Validators }) => (Name === 'integrations' ? Validators : []),
  );
  const accepts = new AjvDraft04.default().compile(JSON.parse(validator.Content));
  const acme = { id: 'acme', url: 'https://lms.example.com/hooks?x=1' };

  test('is a JSON Schema draft-04 within AppConfig’s 32 KB', () => {
    expect(others).toEqual([]);
    expect(validator.Type).toBe('JSON_SCHEMA');
    expect(JSON.parse(validator.Content).$schema).toBe('http://json-schema.org/draft-04/schema#');
    expect(Buffer.byteLength(validator.Content)).toBeLessThan(32 * 1024);
  });

  // test/partners/integration.test.ts covers each field, for this schema and for the function.
  test.each<[object, boolean]>([
    [{ paused: true, integrations: [acme, { ...acme, region: 'EU', auth: { type: 'bearer' } }] }, true],
    [{ integrations: [acme], version: 2 }, false],
    [{ integrations: [{ id: 'acme' }] }, false],
    [{ integrations: [{ ...acme, headers: [{ name: 'hOSt', value: 'x' }] }] }, false],
  ])('%j is valid: %p', (written, isValid) => {
    expect(accepts(written)).toBe(isValid);
    expect(integrationsDocumentSchema.safeParse(written).success).toBe(isValid);
  });
});
