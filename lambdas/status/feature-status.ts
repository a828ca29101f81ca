import { Logger } from '@aws-lambda-powertools/logger';
import { Metrics } from '@aws-lambda-powertools/metrics';
import { AppConfigDataClient } from '@aws-sdk/client-appconfigdata';
import { createFlagSource } from '../adapters/appconfig-flag.ts';
import { openClient } from '../adapters/aws-clients.ts';
import { createCounter } from '../adapters/metrics.ts';
import { featureStatusEnvironment, readEnvironment } from '../contract/environment.ts';
import { ioDeadlines } from '../contract/io-deadlines.ts';
import { answerRequest, type StatusAnswer, type StatusRequest } from './answer-request.ts';

let services: ReturnType<typeof createServices> | undefined;

/** Called by the status API's gateway, payload format 2.0. */
export async function handler(event: StatusRequest): Promise<StatusAnswer> {
  services ??= createServices(process.env);
  const { answering, counter } = services;
  try {
    return await answerRequest(event, answering);
  } finally {
    counter.publish();
  }
}

/** On a cold start only. */
function createServices(variables: NodeJS.ProcessEnv) {
  const environment = readEnvironment(featureStatusEnvironment, variables);
  const deadlines = ioDeadlines(environment.IO_DEADLINE_FACTOR);
  const log = new Logger();
  const counter = createCounter(new Metrics());
  const client = openClient(AppConfigDataClient, deadlines.clients.settings);
  // As the enriching functions read it: what is said here is what they do.
  const flag = createFlagSource({ environment, client, log, counter, ...deadlines.configuration });
  return { answering: { flag, enterpriseClaim: environment.ENTERPRISE_CLAIM, log, counter }, counter };
}
