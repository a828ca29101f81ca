import { randomUUID } from 'node:crypto';
import { Logger } from '@aws-lambda-powertools/logger';
import { readEnvironment, sendTestEnvironment } from '../contract/environment.ts';
import type { SendTestReport } from '../contract/send-test.ts';
import { createSendingServices } from './delivery-services.ts';
import { testIntegration } from './test-integration.ts';

let services: ReturnType<typeof createServices> | undefined;

/** Called by `./ltw send-test`: one signed test event from where all webhooks come from. */
export async function handler(input: unknown): Promise<SendTestReport> {
  services ??= createServices(process.env);
  return testIntegration(input, services);
}

/** On a cold start only. */
function createServices(variables: NodeJS.ProcessEnv) {
  const environment = readEnvironment(sendTestEnvironment, variables);
  return { ...createSendingServices(environment, new Logger()), newId: randomUUID };
}
