import { AppConfigDataClient } from '@aws-sdk/client-appconfigdata';
import type * as z from 'zod';
import { deliverySchema } from '../events/delivery.ts';
import { openClient } from '../shared/aws-clients.ts';
import { enrichTaskEnvironment } from '../shared/environment.ts';
import { type ColdStart, createHandler } from '../shared/handler.ts';
import { METRICS } from '../shared/metric-definitions.ts';
import { createLearningTimeServices } from './learning-time-services.ts';
import { type RetryEnrichmentServices, retryEnrichment } from './retry-enrichment.ts';

/** Called by the retry workflow with a delivery whose learning time is pending. */
export const handler = createHandler({
  environment: enrichTaskEnvironment,
  input: deliverySchema,
  createServices,
  async handle(delivery, services) {
    const startedAtMs = services.now();
    try {
      return await retryEnrichment(delivery, services);
    } finally {
      services.counter.measure(METRICS.taskDuration, (services.now() - startedAtMs) / 1000);
    }
  },
});

/** On a cold start only. */
function createServices(start: ColdStart<z.infer<typeof enrichTaskEnvironment>>): RetryEnrichmentServices {
  const { deadlines, log, counter } = start;
  const appConfig = openClient(AppConfigDataClient, deadlines.clients.settings);
  return { ...createLearningTimeServices(start, appConfig), log, counter, now: Date.now, random: Math.random };
}
