import { createHash } from 'node:crypto';
import type { ControlPlane } from './control-plane/server.ts';
import { ACCOUNT, REGION, type Resolver } from './resolver.ts';
import { resourcesOfType, type Template } from './template.ts';

/** AppConfig's resources and the attribute that is the same as their `Ref`. */
const APPCONFIG_TYPES: Readonly<Record<string, string>> = {
  'AWS::AppConfig::Application': 'ApplicationId',
  'AWS::AppConfig::Environment': 'EnvironmentId',
  'AWS::AppConfig::ConfigurationProfile': 'ConfigurationProfileId',
};

/** An id as AppConfig makes them: seven characters of `a-z0-9`, here always the same for the same logical id. */
function appConfigId(logicalId: string): string {
  return createHash('sha256').update(logicalId).digest('hex').slice(0, 7);
}

export function registerAppConfig(template: Template, resolver: Resolver): void {
  for (const [type, attribute] of Object.entries(APPCONFIG_TYPES)) {
    for (const [logicalId] of resourcesOfType(template, type)) {
      const id = appConfigId(logicalId);
      resolver.register(logicalId, { ref: id, attributes: { [attribute]: id } });
    }
  }
  for (const [index, [logicalId]] of hostedVersions(template).entries()) {
    const number = String(index + 1);
    resolver.register(logicalId, { ref: number, attributes: { VersionNumber: number } });
  }
}

function hostedVersions(template: Template) {
  return resourcesOfType(template, 'AWS::AppConfig::HostedConfigurationVersion');
}

interface ProfileProperties {
  readonly ApplicationId: string;
  readonly Type?: string;
  readonly Validators?: readonly { readonly Type: string; readonly Content: string }[];
}

/** Defines the template's profiles and deploys what it deploys, at once, as a finished deployment. */
export function seedAppConfig(template: Template, resolver: Resolver, { appConfig }: ControlPlane): void {
  for (const [logicalId] of resourcesOfType(template, 'AWS::AppConfig::ConfigurationProfile')) {
    const { ApplicationId, Type, Validators = [] } = resolver.properties(logicalId) as unknown as ProfileProperties;
    const schemas = Validators.filter((validator) => validator.Type === 'JSON_SCHEMA').map(({ Content }) => Content);
    const type = Type === 'AWS.AppConfig.FeatureFlags' ? Type : 'AWS.Freeform';
    appConfig.defineProfile(ApplicationId, appConfigId(logicalId), type, schemas);
  }
  const contents = new Map(
    hostedVersions(template).map(([logicalId], index) => [
      String(index + 1),
      String(resolver.properties(logicalId).Content),
    ]),
  );
  for (const [logicalId] of resourcesOfType(template, 'AWS::AppConfig::Deployment')) {
    const deployment = resolver.properties(logicalId) as Record<string, string>;
    const content = contents.get(String(deployment.ConfigurationVersion));
    if (content === undefined) throw new Error(`${logicalId}: deploys a version that the template does not hold`);
    const { ApplicationId = '', EnvironmentId = '', ConfigurationProfileId = '' } = deployment;
    appConfig.deploy(ApplicationId, EnvironmentId, ConfigurationProfileId, content);
  }
}

/** The secrets of the template, without a value until somebody puts one. */
export class LocalSecrets {
  readonly #names = new Map<string, readonly [name: string, arn: string]>();
  readonly #controlPlane: ControlPlane;

  constructor(template: Template, resolver: Resolver, controlPlane: ControlPlane) {
    this.#controlPlane = controlPlane;
    for (const [logicalId, resource] of resourcesOfType(template, 'AWS::SecretsManager::Secret')) {
      const name = String(resolver.resolve(resource.Properties?.Name, logicalId) ?? logicalId);
      const arn = `arn:aws:secretsmanager:${REGION}:${ACCOUNT}:secret:${name}-${appConfigId(logicalId).slice(0, 6)}`;
      this.#names.set(logicalId, [name, arn]);
      resolver.register(logicalId, { ref: arn, attributes: { Id: arn } });
    }
  }

  /** @param key logical id, name or ARN. @throws Error where the template has no such secret */
  put(key: string, secretString: string): void {
    this.#controlPlane.secretsManager.put(this.#idsOf(key), secretString);
  }

  /** Takes the value away. @throws Error where the template has no such secret */
  remove(key: string): void {
    this.#controlPlane.secretsManager.remove(this.#idsOf(key));
  }

  #idsOf(key: string): readonly string[] {
    const found = [...this.#names].find(([logicalId, ids]) => logicalId === key || ids.includes(key));
    if (found === undefined) throw new Error(`the template has no secret ${key}`);
    return found[1];
  }
}
