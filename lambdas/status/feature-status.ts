import { AppConfigDataClient } from '@aws-sdk/client-appconfigdata';
import type * as z from 'zod';
import { createFlagSource } from '../flag/appconfig-flag.ts';
import { openClient } from '../shared/aws-clients.ts';
import { featureStatusEnvironment } from '../shared/environment.ts';
import { type ColdStart, createHandler } from '../shared/handler.ts';
import { handleStatusRequest, type StatusServices } from './feature-status-api.ts';

/** Called by the status API's gateway, payload format 2.0. */
export const handler = createHandler({
  environment: featureStatusEnvironment,
  createServices,
  handle: handleStatusRequest,
});

/** On a cold start only. */
function createServices(start: ColdStart<z.infer<typeof featureStatusEnvironment>>): StatusServices {
  const { environment, deadlines, log, counter } = start;
  const client = openClient(AppConfigDataClient, deadlines.clients.settings);
  // Read in the same way as by the enrichment functions, so that the reported state is the one that they apply.
  const flag = createFlagSource({ environment, client, log, counter, ...deadlines.configuration });
  return { flag, enterpriseClaim: environment.ENTERPRISE_CLAIM, log, counter };
}
