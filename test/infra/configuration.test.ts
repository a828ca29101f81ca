import { describe, expect, test } from '@jest/globals';
import AjvDraft04 from 'ajv-draft-04';
import { flatten, resourcesOf, synthesize } from '../support/synthesized-stack.ts';
import { FROZEN_SEEDS } from './frozen-seeds.ts';

const template = synthesize('dev');

/** Strategies that no seed is deployed with. */
const OF_OPERATORS = ['ConfigurationStrategiesFlagsECB32AEC', 'ConfigurationStrategiesIntegrations81F44C06'];

describe('AppConfig', () => {
  const validator = () => {
    const profiles = resourcesOf(template, 'AWS::AppConfig::ConfigurationProfile').map(([, resource]) => resource);
    return profiles.find(({ Properties }) => Properties.Name === 'integrations')?.Properties.Validators;
  };

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

  test('the integrations’ validator is draft-04, within AppConfig’s 32 KB', () => {
    const [{ Type, Content }, ...others] = validator();
    expect(others).toEqual([]);
    expect(Type).toBe('JSON_SCHEMA');
    expect(JSON.parse(Content).$schema).toBe('http://json-schema.org/draft-04/schema#');
    expect(Buffer.byteLength(Content)).toBeLessThan(32 * 1024);
  });

  test('it takes what an operator writes, and refuses what no function could use', () => {
    const accepts = new AjvDraft04.default().compile(JSON.parse(validator()[0].Content));
    const acme = { id: 'acme', url: 'https://lms.example.com/hooks?x=1' };
    const document = (...integrations: object[]) => ({ integrations });
    expect(accepts(document())).toBe(true);
    expect(accepts(document(acme, { ...acme, region: 'EU', active: false, timeout_seconds: 300 }))).toBe(true);
    expect(accepts(document({ id: 'acme' }))).toBe(false);
    expect(accepts(document({ ...acme, url: 'ftp://x' }))).toBe(false);
    expect(accepts(document({ ...acme, url: 'https://user@x.example' }))).toBe(false);
    expect(accepts(document({ ...acme, timeout_seconds: 4 }))).toBe(false);
    expect(accepts(document({ ...acme, colour: 'red' }))).toBe(false);
    expect(accepts({})).toBe(false);
  });
});
