import { AwsError } from '../control-plane/aws-error.ts';
import {
  headersOf,
  jsonBody,
  jsonResponse,
  type RestApi,
  type RestRequest,
  type RestResponse,
} from '../control-plane/rest.ts';
import type { LocalAppConfig } from './appconfig.ts';
import type { ConfigurationStore } from './configuration-store.ts';
import type { Deployment, HostedVersion } from './deployment.ts';

/** `MaxResults` of lists: default and maximum. */
const LISTED = 50;

/** The parent of the requested resource: an application's profile or environment. */
interface Parent {
  readonly applicationId: string;
  readonly id: string;
  /** The child's number, if the request names one. */
  readonly number: string;
}

type Operation = (appConfig: LocalAppConfig, parent: Parent, request: RestRequest) => RestResponse;

/** By method and path without ids; `#` stands for a child's number. */
const OPERATIONS: Readonly<Record<string, Operation>> = {
  'POST configurationprofiles hostedconfigurationversions': createVersion,
  'GET configurationprofiles hostedconfigurationversions': listVersions,
  'GET configurationprofiles hostedconfigurationversions #': ({ store }, parent) =>
    versionResponse(200, parent, store.version(parent.applicationId, parent.id, parent.number)),
  'GET environments': ({ store }, parent) => environmentResponse(store, parent),
  'PATCH environments': updateEnvironment,
  'POST environments deployments': startDeployment,
  'GET environments deployments': (appConfig, { applicationId, id }, { query }) =>
    page(appConfig.store.deployments(applicationId, id), query, (deployment) => summary(appConfig, deployment)),
  'GET environments deployments #': (appConfig, parent) => {
    const { applicationId, id, number } = parent;
    return jsonResponse(200, describe(appConfig, parent, appConfig.store.deployment(applicationId, id, number)));
  },
  'DELETE environments deployments #': stopDeployment,
};

/** Versions and deployments, for `@aws-sdk/client-appconfig`. */
export function appConfigApi(appConfig: LocalAppConfig): RestApi {
  return async (request) => {
    const [applications, applicationId = '', kind, id = '', children, number, ...rest] = request.segments;
    if (applications !== 'applications' || rest.length > 0) return undefined;
    const path = [request.method, kind, children, number && '#'].filter((part) => part !== undefined).join(' ');
    const operation = OPERATIONS[path];
    if (operation === undefined) return undefined;
    appConfig.requireUp();
    return operation(appConfig, { applicationId, id, number: number ?? '' }, request);
  };
}

function environmentResponse(store: ConfigurationStore, { applicationId, id }: Parent): RestResponse {
  const Monitors = store.alarmsOf(applicationId, id).map((AlarmArn) => ({ AlarmArn }));
  return jsonResponse(200, { ApplicationId: applicationId, Id: id, Monitors });
}

/** Updates the monitors only. */
function updateEnvironment({ store }: LocalAppConfig, parent: Parent, { body }: RestRequest): RestResponse {
  const { Monitors } = jsonBody(body) as { Monitors?: readonly { readonly AlarmArn: string }[] };
  const arns = Monitors?.map(({ AlarmArn }) => AlarmArn);
  if (arns !== undefined) store.watchAlarms(parent.applicationId, parent.id, arns);
  return environmentResponse(store, parent);
}

function createVersion({ store }: LocalAppConfig, parent: Parent, { headers, body }: RestRequest): RestResponse {
  const draft = {
    content: body.toString(),
    // A required header, which the SDK checks.
    contentType: headers['content-type'] as string,
    description: headers.description as string | undefined,
    label: headers.versionlabel as string | undefined,
  };
  const latest = headers['latest-version-number'];
  const expected = latest === undefined ? undefined : Number(latest);
  return versionResponse(201, parent, store.createVersion(parent.applicationId, parent.id, draft, expected));
}

function versionResponse(status: number, { applicationId, id }: Parent, version: HostedVersion): RestResponse {
  const headers = headersOf({
    'Application-Id': applicationId,
    'Configuration-Profile-Id': id,
    'Version-Number': version.number,
    Description: version.description,
    'Content-Type': version.contentType,
    VersionLabel: version.label,
  });
  return { status, headers, body: version.content };
}

function listVersions({ store }: LocalAppConfig, { applicationId, id }: Parent, { query }: RestRequest): RestResponse {
  return page(store.versions(applicationId, id), query, ({ number, description, contentType, label }) => ({
    ApplicationId: applicationId,
    ConfigurationProfileId: id,
    VersionNumber: number,
    Description: description,
    ContentType: contentType,
    VersionLabel: label,
  }));
}

function startDeployment(appConfig: LocalAppConfig, parent: Parent, { body }: RestRequest): RestResponse {
  const { ConfigurationProfileId, ConfigurationVersion, DeploymentStrategyId, Description, LatestDeploymentNumber } =
    jsonBody(body);
  const { applicationId, id } = parent;
  const latest = appConfig.store.deployments(applicationId, id).length;
  if (LatestDeploymentNumber !== undefined && LatestDeploymentNumber !== latest) {
    throw new AwsError('ConflictException', 409, `the latest deployment is ${latest}`);
  }
  const draft = {
    profileId: String(ConfigurationProfileId),
    version: String(ConfigurationVersion),
    strategyId: String(DeploymentStrategyId),
    description: Description as string | undefined,
  };
  const isBaking = Number(appConfig.store.settings(draft.strategyId).FinalBakeTimeInMinutes) !== 0;
  const deployment = appConfig.store.startDeployment(applicationId, id, draft, isBaking ? appConfig.bakeMs : 0);
  return jsonResponse(201, describe(appConfig, parent, deployment));
}

function stopDeployment(appConfig: LocalAppConfig, parent: Parent, { headers }: RestRequest): RestResponse {
  const { store, rollbackMs } = appConfig;
  const allowRevert = headers['allow-revert'] === 'true';
  const stopped = store.stopDeployment(parent.applicationId, parent.id, parent.number, { allowRevert, rollbackMs });
  return jsonResponse(202, describe(appConfig, parent, stopped));
}

function describe(appConfig: LocalAppConfig, { applicationId, id }: Parent, deployment: Deployment): object {
  const { profileId, strategyId, description } = deployment.draft;
  return {
    ...summary(appConfig, deployment),
    ApplicationId: applicationId,
    EnvironmentId: id,
    ConfigurationProfileId: profileId,
    ConfigurationLocationUri: 'hosted',
    DeploymentStrategyId: strategyId,
    Description: description,
    EventLog: eventLog(deployment),
  };
}

/** Newest first, with the events of a rollback only. */
function eventLog({ takenBack }: Deployment): object[] {
  if (takenBack?.alarmArn === undefined) return [];
  const Description = `Rolled back since the alarm ${takenBack.alarmArn} is in ALARM`;
  return [{ EventType: 'ROLLBACK_COMPLETED', TriggeredBy: 'CLOUDWATCH_ALARM', Description }];
}

function summary({ store }: LocalAppConfig, deployment: Deployment): object {
  const { number, version, draft, startedAtMs, completedAtMs } = deployment;
  const state = store.state(deployment);
  return {
    ...store.settings(draft.strategyId),
    DeploymentNumber: number,
    ConfigurationVersion: String(version.number),
    VersionLabel: version.label,
    State: state,
    PercentageComplete: 100,
    StartedAt: new Date(startedAtMs).toISOString(),
    ...(state === 'COMPLETE' && { CompletedAt: new Date(completedAtMs).toISOString() }),
  };
}

/** Newest first. The token is the start of the next page. */
function page<T>(oldestFirst: readonly T[], query: URLSearchParams, describeOne: (item: T) => object): RestResponse {
  const most = Math.min(Number(query.get('max_results') ?? LISTED), LISTED);
  const from = Number(query.get('next_token') ?? 0);
  const items = oldestFirst.toReversed();
  const NextToken = from + most < items.length ? String(from + most) : undefined;
  return jsonResponse(200, { Items: items.slice(from, from + most).map(describeOne), NextToken });
}

/** The API that functions poll, for `@aws-sdk/client-appconfigdata`. */
export function appConfigDataApi(appConfig: LocalAppConfig): RestApi {
  return async ({ method, segments, query, body }) => {
    const operation = `${method} ${segments.join('/')}`;
    if (operation === 'POST configurationsessions') {
      return jsonResponse(201, { InitialConfigurationToken: appConfig.startSession(jsonBody(body)) });
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
