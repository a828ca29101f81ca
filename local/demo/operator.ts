import { FLAG_KEY } from '../../lambdas/contract/flag.ts';
import { FLAG_SEED } from '../../lib/flag-seed.ts';
import type { Platform } from '../platform.ts';

/**
 * What an operator does in the AppConfig console: new versions, deployed at once.
 */

/** A resolved output of the template. @throws Error where it has none of that name */
export function output(platform: Platform, name: string): string {
  const value = platform.outputs[name];
  if (value === undefined) throw new Error(`the template has no output ${name}`);
  return value;
}

/** @throws DeploymentRefused where the validator of the template does not take it */
export function deployIntegrations(platform: Platform, integrations: readonly object[]): void {
  platform.appConfig.deploy(
    output(platform, 'AppConfigApplicationId'),
    output(platform, 'IntegrationsEnvironmentId'),
    output(platform, 'IntegrationsProfileId'),
    JSON.stringify({ integrations }),
  );
}

/** The seed of the template with the flag on for everybody, or off again. */
export function switchFlag(platform: Platform, isOn: boolean): void {
  const values = { ...FLAG_SEED.values[FLAG_KEY], enabled: isOn, rollout_percentage: 100 };
  platform.appConfig.deploy(
    output(platform, 'AppConfigApplicationId'),
    output(platform, 'FlagsEnvironmentId'),
    output(platform, 'FlagsProfileId'),
    JSON.stringify({ ...FLAG_SEED, values: { [FLAG_KEY]: values } }),
  );
}
