import type { AppConfigDataClient } from '@aws-sdk/client-appconfigdata';
import type * as z from 'zod';
import { type ConfigurationSource, createConfigurationSource } from '../shared/appconfig-source.ts';
import type { sendTestEnvironment } from '../shared/environment.ts';
import type { IoDeadlines } from '../shared/io-deadlines.ts';
import type { Log } from '../shared/log.ts';
import { type IntegrationRegistry, integrationsReader } from './integration-registry.ts';

type RegistryVariable = 'APPCONFIG_APPLICATION_ID' | 'INTEGRATIONS_ENVIRONMENT_ID' | 'INTEGRATIONS_PROFILE_ID';

export interface IntegrationSourceOptions {
  readonly environment: Pick<z.infer<typeof sendTestEnvironment>, RegistryVariable>;
  readonly client: AppConfigDataClient;
  readonly deadlines: Pick<IoDeadlines, 'configuration'>;
  readonly log: Log;
}

/** Creates the source of the integration registry: the deployed version, with the last good version of each faulty entry. */
export function createIntegrationSource({
  environment,
  client,
  deadlines,
  log,
}: IntegrationSourceOptions): ConfigurationSource<IntegrationRegistry> {
  return createConfigurationSource({
    client,
    applicationId: environment.APPCONFIG_APPLICATION_ID,
    environmentId: environment.INTEGRATIONS_ENVIRONMENT_ID,
    profileId: environment.INTEGRATIONS_PROFILE_ID,
    parse: integrationsReader(log),
    log,
    ...deadlines.configuration,
  });
}
