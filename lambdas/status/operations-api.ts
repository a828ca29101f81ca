import { createHash, timingSafeEqual } from 'node:crypto';
import { errorFields, PipelineError } from '../shared/errors.ts';
import type { Log } from '../shared/log.ts';
import type { SecretSource } from '../shared/secret-source.ts';
import { type MetricsToken, OPERATIONS_PATHS, UNREAD_CACHE_SECONDS } from './health-document.ts';
import { errorResponse, type HttpRequest, type HttpResponse, jsonResponse } from './http-api.ts';
import { PROMETHEUS_CONTENT_TYPE } from './prometheus.ts';
import type { GaugeReader } from './read-gauges.ts';
import { type HealthReader, healthOfAll, healthOfOne } from './read-health.ts';

export interface OperationsRequest extends HttpRequest {
  /** By lower-case name. */
  readonly headers: Readonly<Record<string, string | undefined>>;
}

export interface OperationsServices {
  readonly health: HealthReader;
  readonly gauges: GaugeReader;
  readonly token: SecretSource<MetricsToken>;
  readonly log: Log;
}

/** Responds to one request. The log contains no token, header or path. */
export async function handleOperationsRequest(
  request: OperationsRequest,
  services: OperationsServices,
): Promise<HttpResponse> {
  const response = await respond(request, services);
  services.log.info('operations.responded', { route: request.routeKey, status: response.statusCode });
  return response;
}

/** The gateway authorizes callers of the health; the token for the metrics is checked here (docs/decisions/0019). */
async function respond(request: OperationsRequest, services: OperationsServices): Promise<HttpResponse> {
  const { health, metrics } = OPERATIONS_PATHS;
  switch (request.routeKey) {
    case `GET ${metrics}`:
      return respondWithMetrics(request, services);
    case `GET ${health}`:
      return respondWithHealth(request, () => healthOfAll(services.health));
    case `GET ${health}/{integration}`:
      return respondWithHealth(request, () => healthOfOne(request.pathParameters?.integration ?? '', services.health));
    default:
      return errorResponse(404, 'There is no such path');
  }
}

/** Refuses parameters: a caller that passes one would expect it to filter the response. */
async function respondWithHealth(
  { rawQueryString }: OperationsRequest,
  read: () => Promise<object | 'unknown' | undefined>,
): Promise<HttpResponse> {
  if (rawQueryString !== '') return errorResponse(400, 'There are no parameters here');
  const health = await read();
  if (health === 'unknown') return errorResponse(404, 'There is no integration of this name');
  if (health === undefined) return unreadable();
  return jsonResponse(200, NO_STORE, health);
}

async function respondWithMetrics(
  { headers }: OperationsRequest,
  { token, gauges, log }: OperationsServices,
): Promise<HttpResponse> {
  const given = bearerToken(headers.authorization);
  try {
    if (given === undefined || !(await isAccepted(given, token))) {
      return errorResponse(401, 'The token is missing or wrong', { 'www-authenticate': 'Bearer' });
    }
  } catch (thrown) {
    if (!(thrown instanceof PipelineError)) throw thrown;
    log.error('metrics_token.unreadable', errorFields(thrown));
    return unreadable();
  }
  const body = await gauges.text();
  if (body === undefined) return unreadable();
  return { statusCode: 200, headers: { 'content-type': PROMETHEUS_CONTENT_TYPE, ...NO_STORE }, body };
}

/**
 * Compares the token with the cached one, and then with the current one, because it may have been replaced.
 *
 * @throws SecretUnavailable, SecretUnusable
 */
async function isAccepted(given: string, token: SecretSource<MetricsToken>): Promise<boolean> {
  return isSameToken(given, (await token.read()).token) || isSameToken(given, (await token.refetch()).token);
}

/** Responses change every minute, and are for this caller only. */
const NO_STORE = { 'cache-control': 'no-store' };

function unreadable(): HttpResponse {
  return errorResponse(503, 'It cannot be read just now', { 'retry-after': String(UNREAD_CACHE_SECONDS) });
}

/** The token of a header `Authorization: Bearer …` (RFC 6750); undefined in any other form. */
function bearerToken(authorization: string | undefined): string | undefined {
  return /^Bearer +([A-Za-z0-9._~+/-]+=*)$/i.exec(authorization ?? '')?.[1];
}

/** Whether two tokens are equal, in a time that reveals neither the first difference nor the expected token's length. */
function isSameToken(given: string, expected: string): boolean {
  return timingSafeEqual(digest(given), digest(expected));
}

function digest(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}
