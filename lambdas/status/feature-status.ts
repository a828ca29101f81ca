import { Logger } from '@aws-lambda-powertools/logger';
import { AppConfigDataClient } from '@aws-sdk/client-appconfigdata';
import { createConfigurationSource } from '../adapters/appconfig.ts';
import { AWS_CLIENT_OPTIONS } from '../adapters/aws-client-options.ts';
import { featureStatusEnvironment, readEnvironment } from '../contract/environment.ts';
import { FEATURE_OVERRIDE, FLAG_OFF, type VersionedFlag } from '../contract/flag.ts';
import { configVersion, overridden, parseFlag } from '../domain/flag.ts';
import { answerRequest, type StatusAnswer, type StatusRequest, type StatusServices } from './answer-request.ts';

let services: StatusServices | undefined;

/** Called by the status API's gateway, payload format 2.0. */
export async function handler(event: StatusRequest): Promise<StatusAnswer> {
  services ??= createServices(process.env);
  return answerRequest(event, services);
}

/** On a cold start only. */
function createServices(variables: NodeJS.ProcessEnv): StatusServices {
  const environment = readEnvironment(featureStatusEnvironment, variables);
  const log = new Logger();
  const deployed = createConfigurationSource<VersionedFlag>({
    client: new AppConfigDataClient(AWS_CLIENT_OPTIONS),
    applicationId: environment.APPCONFIG_APPLICATION_ID,
    environmentId: environment.FLAGS_ENVIRONMENT_ID,
    profileId: environment.FLAGS_PROFILE_ID,
    parse: (text, _, label) => {
      const { flag, faults } = parseFlag(text);
      if (faults.length > 0) log.warn('flag.faulty', { faults });
      return { ...flag, config_version: configVersion(flag, label) };
    },
    log,
  });
  const override = environment[FEATURE_OVERRIDE];
  // As the enriching functions read it: what is said here is what they do.
  const flag: StatusServices['flag'] = {
    async read() {
      const current = await deployed.read();
      return override === undefined ? current : overridden(current ?? FLAG_OFF, override);
    },
  };
  return { flag, enterpriseClaim: environment.ENTERPRISE_CLAIM, log };
}
