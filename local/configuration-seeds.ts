import { createHash, randomInt } from 'node:crypto';
import type { StrategySettings } from './appconfig/configuration-store.ts';
import type { ControlPlane } from './control-plane/server.ts';
import type { Resolver } from './resolver.ts';

/** AppConfig's resource types, with the attribute that equals their `Ref`. */
const APPCONFIG_TYPES: Readonly<Record<string, string>> = {
  'AWS::AppConfig::DeploymentStrategy': 'Id',
  'AWS::AppConfig::Application': 'ApplicationId',
  'AWS::AppConfig::Environment': 'EnvironmentId',
  'AWS::AppConfig::ConfigurationProfile': 'ConfigurationProfileId',
};

const VERSION_TYPE = 'AWS::AppConfig::HostedConfigurationVersion';

/** An id like AppConfig's: seven characters of `a-z0-9`, here derived from the logical id. */
function appConfigId(logicalId: string): string {
  return createHash('sha256').update(logicalId).digest('hex').slice(0, 7);
}

export function registerAppConfig(resolver: Resolver): void {
  for (const [type, attribute] of Object.entries(APPCONFIG_TYPES)) {
    for (const logicalId of resolver.logicalIds(type)) {
      const id = appConfigId(logicalId);
      resolver.register(logicalId, { ref: id, attributes: { [attribute]: id } });
    }
  }
  const counted = new Map<unknown, number>();
  for (const logicalId of resolver.logicalIds(VERSION_TYPE)) {
    const { ConfigurationProfileId } = resolver.properties(logicalId);
    const number = (counted.get(ConfigurationProfileId) ?? 0) + 1;
    counted.set(ConfigurationProfileId, number);
    resolver.register(logicalId, { ref: String(number), attributes: { VersionNumber: String(number) } });
  }
}

interface ProfileProperties {
  readonly ApplicationId: string;
  readonly Type?: string;
  readonly Validators?: readonly { readonly Type: string; readonly Content: string }[];
}

interface EnvironmentProperties {
  readonly ApplicationId: string;
  readonly Monitors?: readonly { readonly AlarmArn: string }[];
}

/** Defines the template's profiles, environments and strategies, and its deployments as finished ones. */
export function seedAppConfig(resolver: Resolver, { appConfig }: ControlPlane): void {
  for (const logicalId of resolver.logicalIds('AWS::AppConfig::ConfigurationProfile')) {
    const { ApplicationId, Type, Validators = [] } = resolver.properties(logicalId) as unknown as ProfileProperties;
    const schemas = Validators.filter((validator) => validator.Type === 'JSON_SCHEMA').map(({ Content }) => Content);
    const type = Type === 'AWS.AppConfig.FeatureFlags' ? Type : 'AWS.Freeform';
    appConfig.defineProfile(ApplicationId, appConfigId(logicalId), type, schemas);
  }
  for (const logicalId of resolver.logicalIds('AWS::AppConfig::Environment')) {
    const { ApplicationId, Monitors = [] } = resolver.properties(logicalId) as unknown as EnvironmentProperties;
    const alarms = Monitors.map(({ AlarmArn }) => AlarmArn);
    appConfig.store.defineEnvironment(ApplicationId, appConfigId(logicalId), alarms);
  }
  for (const logicalId of resolver.logicalIds('AWS::AppConfig::DeploymentStrategy')) {
    appConfig.store.defineStrategy(appConfigId(logicalId), strategySettings(resolver.properties(logicalId)));
  }
  for (const logicalId of resolver.logicalIds(VERSION_TYPE)) {
    const version = resolver.properties(logicalId) as Record<string, string>;
    const { ApplicationId = '', ConfigurationProfileId = '', Content: content = '', ContentType = '' } = version;
    appConfig.store.createVersion(ApplicationId, ConfigurationProfileId, { content, contentType: ContentType });
  }
  for (const logicalId of resolver.logicalIds('AWS::AppConfig::Deployment')) {
    const deployment = resolver.properties(logicalId) as Record<string, string>;
    const { ApplicationId = '', EnvironmentId = '', ConfigurationProfileId: profileId = '' } = deployment;
    const { ConfigurationVersion: version = '', DeploymentStrategyId: strategyId = '' } = deployment;
    appConfig.store.startDeployment(ApplicationId, EnvironmentId, { profileId, version, strategyId }, 0);
  }
}

function strategySettings(properties: Record<string, unknown>): StrategySettings {
  const { DeploymentDurationInMinutes, GrowthFactor, GrowthType, FinalBakeTimeInMinutes } = properties;
  return { DeploymentDurationInMinutes, GrowthFactor, GrowthType, FinalBakeTimeInMinutes } as StrategySettings;
}

/** The supported part of `GenerateSecretString`. */
interface Generation {
  readonly SecretStringTemplate: string;
  readonly GenerateStringKey: string;
  readonly PasswordLength?: number;
}

/** Letters and digits, which every kind of password may have. */
const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';

/** Secrets Manager's default length, in characters. */
const PASSWORD_LENGTH = 32;

function generatedSecret(generation: Generation | undefined): string | undefined {
  if (generation === undefined) return undefined;
  const { SecretStringTemplate, GenerateStringKey, PasswordLength: length = PASSWORD_LENGTH } = generation;
  const characters = Array.from({ length }, () => ALPHABET.charAt(randomInt(ALPHABET.length)));
  return JSON.stringify({ ...JSON.parse(SecretStringTemplate), [GenerateStringKey]: characters.join('') });
}

/** Creates the template's secrets, without values except for generated ones. */
export function registerSecrets(resolver: Resolver, { secretsManager }: ControlPlane): void {
  for (const logicalId of resolver.logicalIds('AWS::SecretsManager::Secret')) {
    const name = resolver.nameOf(logicalId, 'Name');
    const { arn } = secretsManager.define(name);
    const generated = generatedSecret(resolver.properties(logicalId).GenerateSecretString as Generation | undefined);
    if (generated !== undefined) secretsManager.put(name, generated);
    resolver.register(logicalId, { ref: arn, attributes: { Id: arn } });
  }
}
