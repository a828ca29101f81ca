import type { LocalAppConfig } from './appconfig.ts';
import { headersOf, jsonAnswer, jsonBody, type RestApi } from './rest.ts';

/** What functions poll: for `@aws-sdk/client-appconfigdata`. */
export function appConfigDataApi(appConfig: LocalAppConfig): RestApi {
  return async ({ method, segments, query, body }) => {
    const operation = `${method} ${segments.join('/')}`;
    if (operation === 'POST configurationsessions') {
      return jsonAnswer(201, { InitialConfigurationToken: appConfig.startSession(jsonBody(body)) });
    }
    if (operation !== 'GET configuration') return undefined;
    const { nextToken, nextPollSeconds, content, versionLabel } = appConfig.getLatest(
      query.get('configuration_token') ?? '',
    );
    const headers = headersOf({
      'Next-Poll-Configuration-Token': nextToken,
      'Next-Poll-Interval-In-Seconds': nextPollSeconds,
      'Content-Type': 'application/json',
      'Version-Label': versionLabel,
    });
    return { status: 200, headers, body: content };
  };
}
