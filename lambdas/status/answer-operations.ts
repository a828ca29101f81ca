import { errorFields, PipelineError } from '../contract/errors.ts';
import type { Log } from '../contract/log.ts';
import { PROMETHEUS_CONTENT_TYPE } from '../contract/prometheus.ts';
import type { SecretSource } from '../contract/secret-source.ts';
import { type MetricsToken, OPERATIONS_PATHS, UNREAD_KEPT_SECONDS } from '../contract/webhook-health.ts';
import { bearerToken, isSameToken } from '../domain/bearer-token.ts';
import type { StatusAnswer } from './answer-request.ts';
import type { GaugeReader } from './read-gauges.ts';
import type { HealthReader } from './read-health.ts';
import { tellAll, tellOne } from './tell-health.ts';

/** The part of an HTTP API's request (payload format 2.0) that is read here. */
export interface OperationsRequest {
  /** `GET /path/{parameter}`, as the gateway matched it. */
  readonly routeKey: string;
  readonly rawQueryString: string;
  readonly pathParameters?: Readonly<Record<string, string | undefined>> | undefined;
  /** By their names in small letters. */
  readonly headers: Readonly<Record<string, string | undefined>>;
}

export interface OperationsServices {
  readonly health: HealthReader;
  readonly gauges: GaugeReader;
  readonly token: SecretSource<MetricsToken>;
  readonly log: Log;
}

const UNREADABLE = 'It cannot be read just now';

/** Answers one request. No token, no header and no path is logged. */
export async function answerOperations(
  request: OperationsRequest,
  services: OperationsServices,
): Promise<StatusAnswer> {
  const answer = await decide(request, services);
  services.log.info('operations.answered', { route: request.routeKey, status: answer.statusCode });
  return answer;
}

/** The gateway has checked who asks for health; who asks for metrics is checked here (docs/decisions/0019). */
async function decide(request: OperationsRequest, services: OperationsServices): Promise<StatusAnswer> {
  const { health, metrics } = OPERATIONS_PATHS;
  switch (request.routeKey) {
    case `GET ${metrics}`:
      return answerMetrics(request, services);
    case `GET ${health}`:
      return answerHealth(request, () => tellAll(services.health));
    case `GET ${health}/{integration}`:
      return answerHealth(request, () => tellOne(request.pathParameters?.integration ?? '', services.health));
    default:
      return failure(404, 'There is no such path');
  }
}

/** A parameter would narrow nothing down, and whoever gives one believes that it does. */
async function answerHealth(
  { rawQueryString }: OperationsRequest,
  tell: () => Promise<object | 'unknown' | undefined>,
): Promise<StatusAnswer> {
  if (rawQueryString !== '') return failure(400, 'There are no parameters here');
  const health = await tell();
  if (health === 'unknown') return failure(404, 'There is no integration of this name');
  if (health === undefined) return unreadable();
  return answer(200, { 'content-type': 'application/json' }, JSON.stringify(health));
}

async function answerMetrics({ headers }: OperationsRequest, services: OperationsServices): Promise<StatusAnswer> {
  const given = bearerToken(headers.authorization);
  const verdict = given === undefined ? 'refused' : await judge(given, services);
  if (verdict === 'unreadable') return unreadable();
  if (verdict === 'refused') return failure(401, 'The token is missing or wrong', { 'www-authenticate': 'Bearer' });
  const text = await services.gauges.text();
  return text === undefined ? unreadable() : answer(200, { 'content-type': PROMETHEUS_CONTENT_TYPE }, text);
}

/** One that is not the token that we hold may be the one that has replaced it. */
async function judge(given: string, { token, log }: OperationsServices) {
  try {
    const held = await token.read();
    const isRight = isSameToken(given, held.token) || isSameToken(given, (await token.refetch()).token);
    return isRight ? 'right' : 'refused';
  } catch (thrown) {
    if (!(thrown instanceof PipelineError)) throw thrown;
    log.error('metrics_token.unreadable', errorFields(thrown));
    return 'unreadable';
  }
}

function unreadable(): StatusAnswer {
  return failure(503, UNREADABLE, { 'retry-after': String(UNREAD_KEPT_SECONDS) });
}

function failure(statusCode: number, error: string, headers: Readonly<Record<string, string>> = {}): StatusAnswer {
  const body = JSON.stringify({ detail: { error } });
  return answer(statusCode, { 'content-type': 'application/json', ...headers }, body);
}

/** What it says is of this minute, and for whoever asked. */
function answer(statusCode: number, headers: Readonly<Record<string, string>>, body: string): StatusAnswer {
  return { statusCode, headers: { 'cache-control': 'no-store', ...headers }, body };
}
