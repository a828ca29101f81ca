import type * as z from 'zod';
import { canonicalEnterpriseId } from '../events/event.ts';
import { type Evaluation, evaluateFlag } from '../flag/evaluate-flag.ts';
import type { Flag, VersionedFlag } from '../flag/flag-document.ts';
import { faultsOf } from '../shared/faults.ts';
import type { Log } from '../shared/log.ts';
import { type Counter, FEATURE_NAME, METRICS } from '../shared/metric-definitions.ts';
import {
  type AllStatuses,
  FEATURE_DESCRIPTION,
  type FeatureState,
  type FeatureStatus,
  featureQuerySchema,
  STATUS_MAX_AGE_SECONDS,
  STATUS_PATHS,
  type StatusQuery,
  statusQuerySchema,
} from './feature-status-document.ts';
import { errorResponse, type HttpRequest, type HttpResponse, jsonResponse } from './http-api.ts';

/** A request with the claims of its JWT, which the gateway's authorizer has verified. */
export interface StatusRequest extends HttpRequest {
  readonly requestContext: {
    readonly authorizer?: { readonly jwt?: { readonly claims: Readonly<Record<string, unknown>> } } | undefined;
  };
}

export interface StatusServices {
  /** Undefined if it was never read: the response is then 503. */
  readonly flag: { read(): Promise<VersionedFlag | undefined> };
  /** The claim with the caller's enterprise; undefined if the stage configures none, so that callers may query any. */
  readonly enterpriseClaim: string | undefined;
  readonly log: Log;
  readonly counter: Counter;
}

type Caller = keyof typeof STATUS_PATHS;

interface Route {
  readonly caller: Caller;
  /** Undefined for all features. */
  readonly feature: string | undefined;
}

const NOT_ENABLED = 'Learning time in webhooks is not enabled for';

/** Responds to one request. The log contains no caller, enterprise or query string. */
export async function handleStatusRequest(request: StatusRequest, services: StatusServices): Promise<HttpResponse> {
  const response = await respond(request, services);
  services.log.info('feature_status.responded', { route: request.routeKey, status: response.statusCode });
  return response;
}

async function respond(request: StatusRequest, services: StatusServices): Promise<HttpResponse> {
  const route = routeOf(request);
  if (route === undefined) return errorResponse(404, 'There is no such path');
  const { caller, feature } = route;
  if (feature !== undefined && feature !== FEATURE_NAME) return errorResponse(404, 'There is no feature of this name');
  const fields = queryFields(request.rawQueryString);
  if (fields === undefined) return errorResponse(400, 'Give each parameter once at most');
  const query = (feature === undefined ? statusQuerySchema : featureQuerySchema).safeParse(fields);
  if (!query.success) return errorResponse(400, faultOf(query.error));
  if (caller === 'browsers' && !mayAsk(request, query.data, services.enterpriseClaim)) {
    return errorResponse(403, 'Your token is not of this enterprise');
  }
  const flag = await services.flag.read();
  if (flag === undefined) {
    return errorResponse(503, 'The state cannot be read just now', { 'retry-after': String(STATUS_MAX_AGE_SECONDS) });
  }
  // There is one feature.
  const countEvaluation = ({ reason }: Pick<FeatureState, 'reason'>) =>
    services.counter.count(METRICS.featureEvaluated, 1, { feature: FEATURE_NAME, result: reason });
  if (feature === undefined) {
    const statuses = allStatuses(flag, query.data);
    for (const state of Object.values(statuses.features)) countEvaluation(state);
    return success(statuses);
  }
  const status = featureStatus(flag, feature, query.data);
  if (status === undefined) return errorResponse(404, 'There is no feature of this name');
  countEvaluation(status);
  const isRequired = 'require' in query.data && query.data.require === 'enabled';
  if (!isRequired || status.enabled) return success(status);
  return errorResponse(403, `${NOT_ENABLED} ${status.user_specific ? 'this' : 'any'} enterprise`);
}

/** Looks up the route that the gateway matched. */
function routeOf({ routeKey, pathParameters }: StatusRequest): Route | undefined {
  for (const caller of ['browsers', 'operators'] as const) {
    const route = `GET ${STATUS_PATHS[caller]}`;
    if (routeKey === route) return { caller, feature: undefined };
    if (routeKey === `${route}/{feature}`) return { caller, feature: pathParameters?.feature ?? '' };
  }
  return undefined;
}

/**
 * Whether a browser may query this enterprise: if the stage configures the claim, it must be the token's enterprise. Every
 * caller may query the general state. Ids are compared in canonical form, as by the flag.
 */
function mayAsk(request: StatusRequest, query: StatusQuery, enterpriseClaim: string | undefined): boolean {
  const requested = query.enterprise_customer_uuid;
  if (enterpriseClaim === undefined || requested === undefined) return true;
  const claimed = request.requestContext.authorizer?.jwt?.claims[enterpriseClaim];
  return typeof claimed === 'string' && canonicalEnterpriseId(claimed) === requested;
}

/** Describes the fault. An unknown parameter's name is not repeated, because it comes from the caller. */
function faultOf(error: z.ZodError): string {
  if (error.issues.some(({ code }) => code === 'unrecognized_keys'))
    return 'There is a parameter that is not known here';
  return faultsOf(error, 'the query');
}

function success(body: object): HttpResponse {
  // Only the browser may cache it, and only for the same token.
  return jsonResponse(
    200,
    { 'cache-control': `private, max-age=${STATUS_MAX_AGE_SECONDS}`, vary: 'authorization' },
    body,
  );
}

/**
 * The parameters of a query string, from its raw text, because the gateway joins repeated parameters with a comma.
 *
 * @returns undefined if a parameter is repeated
 */
function queryFields(rawQueryString: string): Readonly<Record<string, string>> | undefined {
  const parameters = [...new URLSearchParams(rawQueryString)];
  if (new Set(parameters.map(([name]) => name)).size < parameters.length) return undefined;
  return Object.fromEntries(parameters);
}

/** The state of every feature for the query's enterprise. There is one feature. */
export function allStatuses(flag: Flag, query: StatusQuery): AllStatuses {
  return { features: { [FEATURE_NAME]: featureState(flag, query.enterprise_customer_uuid) }, ...askedOf(query) };
}

/** @returns undefined if there is no feature of that name */
export function featureStatus(flag: Flag, feature: string, query: StatusQuery): FeatureStatus | undefined {
  if (feature !== FEATURE_NAME) return undefined;
  return { feature, ...featureState(flag, query.enterprise_customer_uuid), ...askedOf(query) };
}

/** @param enterpriseId undefined for the general state */
function featureState(flag: Flag, enterpriseId: string | undefined): FeatureState {
  const { isOn, reason } = enterpriseId === undefined ? evaluateGeneral(flag) : evaluateFlag(flag, enterpriseId);
  return {
    enabled: isOn,
    user_specific: enterpriseId !== undefined,
    rollout_percentage: flag.enabled ? flag.rollout_percentage : null,
    description: FEATURE_DESCRIPTION,
    reason,
  };
}

/** Whether the flag is on for any enterprise. The percentage is checked first, because it concerns more enterprises. */
function evaluateGeneral(flag: Flag): Evaluation {
  if (!flag.enabled) return { isOn: false, reason: 'off' };
  if (flag.rollout_percentage > 0) return { isOn: true, reason: 'within_percentage' };
  if (flag.pilot_enterprises.length > 0) return { isOn: true, reason: 'pilot' };
  return { isOn: false, reason: 'beyond_percentage' };
}

function askedOf({ user_id, enterprise_customer_uuid }: StatusQuery) {
  return { user_id: user_id ?? null, enterprise_customer_uuid: enterprise_customer_uuid ?? null };
}
