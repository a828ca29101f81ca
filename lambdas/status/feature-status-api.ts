import type * as z from 'zod';
import { canonicalEnterpriseId } from '../events/event.ts';
import { evaluateFlag } from '../flag/evaluate-flag.ts';
import type { Evaluation } from '../flag/evaluation.ts';
import type { Flag, VersionedFlag } from '../flag/flag-document.ts';
import { faultsOf } from '../shared/faults.ts';
import type { Log } from '../shared/log.ts';
import { type Counter, FEATURE_NAME, METRICS } from '../shared/metric-definitions.ts';
import {
  type AllStatuses,
  FEATURE_DESCRIPTION,
  type FeatureQuery,
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
  const query: z.ZodSafeParseResult<FeatureQuery> =
    feature === undefined ? statusQuerySchema.safeParse(fields) : featureQuerySchema.safeParse(fields);
  if (!query.success) return errorResponse(400, faultOf(query.error));
  if (caller === 'browsers' && !mayAsk(request, query.data, services.enterpriseClaim)) {
    return errorResponse(403, 'Your token is not of this enterprise');
  }
  const flag = await services.flag.read();
  if (flag === undefined) {
    return errorResponse(503, 'The state cannot be read just now', { 'retry-after': String(STATUS_MAX_AGE_SECONDS) });
  }
  // There is one feature.
  const state = featureState(flag, query.data.enterprise_customer_uuid);
  services.counter.count(METRICS.featureEvaluated, 1, { feature: FEATURE_NAME, result: state.reason });
  const { user_id = null, enterprise_customer_uuid = null, require: required } = query.data;
  if (required !== undefined && !state.enabled) {
    return errorResponse(403, `${NOT_ENABLED} ${state.user_specific ? 'this' : 'any'} enterprise`);
  }
  const asked = { user_id, enterprise_customer_uuid };
  if (feature === undefined) {
    return success({ features: { [FEATURE_NAME]: state }, ...asked } satisfies AllStatuses);
  }
  return success({ feature, ...state, ...asked } satisfies FeatureStatus);
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
