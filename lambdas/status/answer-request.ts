import type * as z from 'zod';
import { canonicalEnterpriseId } from '../contract/event.ts';
import { faultsOf } from '../contract/faults.ts';
import {
  type FeatureState,
  featureQuerySchema,
  STATUS_MAX_AGE_SECONDS,
  STATUS_PATHS,
  type StatusQuery,
  statusQuerySchema,
} from '../contract/feature-status.ts';
import { FEATURE_NAME, type VersionedFlag } from '../contract/flag.ts';
import type { Log } from '../contract/log.ts';
import { type Counter, METRICS } from '../contract/metrics.ts';
import { allStatuses, featureStatus } from '../domain/feature-status.ts';
import { queryFields } from './query-fields.ts';

/** The part of an HTTP API's request (payload format 2.0) that is read here. */
export interface StatusRequest {
  /** `GET /path/{parameter}`, as the gateway matched it. */
  readonly routeKey: string;
  readonly rawQueryString: string;
  readonly pathParameters?: Readonly<Record<string, string | undefined>> | undefined;
  readonly requestContext: {
    /** Only behind the JWT authorizer: the claims of a token that it has verified. */
    readonly authorizer?: { readonly jwt?: { readonly claims: Readonly<Record<string, unknown>> } } | undefined;
  };
}

export interface StatusAnswer {
  readonly statusCode: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export interface StatusServices {
  /** Undefined where it was never read: nobody is told a guess. */
  readonly flag: { read(): Promise<VersionedFlag | undefined> };
  /** The claim that names the caller's enterprise; undefined where the stage has none, and callers may ask for any. */
  readonly enterpriseClaim: string | undefined;
  readonly log: Log;
  readonly counter: Counter;
}

type Caller = keyof typeof STATUS_PATHS;

/** What was asked, before anything is looked up. */
interface Question {
  readonly caller: Caller;
  /** Undefined: all of them. */
  readonly feature: string | undefined;
}

const NOT_ENABLED = 'Learning time in webhooks is not enabled for';

/**
 * Answers one request. Nothing that tells who asks, or for whom, is logged: no id, no query string.
 */
export async function answerRequest(request: StatusRequest, services: StatusServices): Promise<StatusAnswer> {
  const answer = await decide(request, services);
  services.log.info('feature_status.answered', { route: request.routeKey, status: answer.statusCode });
  return answer;
}

async function decide(request: StatusRequest, services: StatusServices): Promise<StatusAnswer> {
  const question = questionOf(request);
  if (question === undefined) return failure(404, 'There is no such path');
  const { caller, feature } = question;
  if (feature !== undefined && feature !== FEATURE_NAME) return failure(404, 'There is no feature of this name');
  const fields = queryFields(request.rawQueryString);
  if (fields === undefined) return failure(400, 'Give each parameter once at most');
  const query = (feature === undefined ? statusQuerySchema : featureQuerySchema).safeParse(fields);
  if (!query.success) return failure(400, faultOf(query.error));
  if (caller === 'browsers' && !mayAsk(request, query.data, services.enterpriseClaim)) {
    return failure(403, 'Your token is not of this enterprise');
  }
  const flag = await services.flag.read();
  if (flag === undefined) {
    return failure(503, 'The state cannot be read just now', { 'retry-after': String(STATUS_MAX_AGE_SECONDS) });
  }
  // There is one feature.
  const tell = ({ reason }: Pick<FeatureState, 'reason'>) =>
    services.counter.count(METRICS.featureEvaluated, 1, { feature: FEATURE_NAME, result: reason });
  if (feature === undefined) {
    const statuses = allStatuses(flag, query.data);
    for (const state of Object.values(statuses.features)) tell(state);
    return success(statuses);
  }
  const status = featureStatus(flag, feature, query.data);
  if (status === undefined) return failure(404, 'There is no feature of this name');
  tell(status);
  const isRequired = 'require' in query.data && query.data.require === 'enabled';
  if (!isRequired || status.enabled) return success(status);
  return failure(403, `${NOT_ENABLED} ${status.user_specific ? 'this' : 'any'} enterprise`);
}

/** The gateway has matched the path already: what it matched is looked up, and nothing is parsed again. */
function questionOf({ routeKey, pathParameters }: StatusRequest): Question | undefined {
  for (const caller of ['browsers', 'operators'] as const) {
    const route = `GET ${STATUS_PATHS[caller]}`;
    if (routeKey === route) return { caller, feature: undefined };
    if (routeKey === `${route}/{feature}`) return { caller, feature: pathParameters?.feature ?? '' };
  }
  return undefined;
}

/**
 * A browser may ask for the enterprise that its token names, where the stage says which claim that is; the general state
 * is everybody's. The form of the id does not matter, as it does not to the flag.
 */
function mayAsk(request: StatusRequest, query: StatusQuery, enterpriseClaim: string | undefined): boolean {
  const wanted = query.enterprise_customer_uuid;
  if (enterpriseClaim === undefined || wanted === undefined) return true;
  const claimed = request.requestContext.authorizer?.jwt?.claims[enterpriseClaim];
  return typeof claimed === 'string' && canonicalEnterpriseId(claimed) === wanted;
}

/** Names our parameters, and none that came from outside. */
function faultOf(error: z.ZodError): string {
  if (error.issues.some(({ code }) => code === 'unrecognized_keys'))
    return 'There is a parameter that is not known here';
  return faultsOf(error, 'the query');
}

function success(body: object): StatusAnswer {
  // A browser's own memory may keep it, and for the token that it was given to only.
  const caching = { 'cache-control': `private, max-age=${STATUS_MAX_AGE_SECONDS}`, vary: 'authorization' };
  return answer(200, caching, body);
}

function failure(statusCode: number, error: string, headers: Readonly<Record<string, string>> = {}): StatusAnswer {
  return answer(statusCode, { 'cache-control': 'no-store', ...headers }, { detail: { error } });
}

function answer(statusCode: number, headers: Readonly<Record<string, string>>, body: object): StatusAnswer {
  return { statusCode, headers: { 'content-type': 'application/json', ...headers }, body: JSON.stringify(body) };
}
