import { AppConfigDataClient } from '@aws-sdk/client-appconfigdata';
import type * as z from 'zod';
import { createConfigurationSource } from '../adapters/appconfig.ts';
import { AWS_CLIENT_OPTIONS } from '../adapters/aws-client-options.ts';
import { createHttpsSender } from '../adapters/https-sender.ts';
import type { deliverTaskEnvironment } from '../contract/environment.ts';
import type { Log } from '../contract/log.ts';
import type { Counter } from '../contract/metrics.ts';
import { integrationsReader } from '../domain/integrations.ts';
import type { FindReceiverServices } from './find-receiver.ts';
import type { TryDeliveryServices } from './try-delivery.ts';

/** What both delivery functions need for one try. */
export function createDeliveryServices(
  environment: z.infer<typeof deliverTaskEnvironment>,
  log: Log,
  counter: Counter,
): FindReceiverServices & TryDeliveryServices {
  return {
    integrations: createConfigurationSource({
      client: new AppConfigDataClient(AWS_CLIENT_OPTIONS),
      applicationId: environment.APPCONFIG_APPLICATION_ID,
      environmentId: environment.INTEGRATIONS_ENVIRONMENT_ID,
      profileId: environment.INTEGRATIONS_PROFILE_ID,
      parse: integrationsReader(log),
      log,
    }),
    sender: createHttpsSender({ allowPlainHttp: environment.ALLOW_PLAIN_HTTP }),
    log,
    counter,
    now: Date.now,
    random: Math.random,
  };
}
