import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { jsonResponse, type RestResponse } from '../control-plane/rest.ts';
import type { InvocationResult } from '../lambda/function-process.ts';
import { ACCOUNT } from '../resolver.ts';
import type { Match } from './routes.ts';

/** A response of the gateway itself. */
export function gatewayResponse(status: number, message: string): RestResponse {
  return jsonResponse(status, { message });
}

/** The function's event for a request (payload format 2.0). */
export function proxyEvent(request: IncomingMessage, url: URL, match: Match, apiId: string, authorizer: object) {
  const { key, method } = match.route;
  const now = new Date();
  const query = Map.groupBy(url.searchParams, ([name]) => name);
  const joined = [...query].map(([name, values]) => [name, values.map(([, value]) => value).join(',')]);
  const headers = Object.entries(request.headers).map(([name, value]) => [name, [value].flat().join(',')]);
  return {
    version: '2.0',
    routeKey: key,
    rawPath: url.pathname,
    rawQueryString: url.search.slice(1),
    headers: Object.fromEntries(headers),
    ...(joined.length > 0 && { queryStringParameters: Object.fromEntries(joined) }),
    ...(Object.keys(match.parameters).length > 0 && { pathParameters: decoded(match.parameters) }),
    requestContext: {
      accountId: ACCOUNT,
      apiId,
      ...(Object.keys(authorizer).length > 0 && { authorizer }),
      domainName: url.host,
      domainPrefix: apiId,
      http: {
        method,
        path: url.pathname,
        protocol: `HTTP/${request.httpVersion}`,
        sourceIp: '127.0.0.1',
        userAgent: request.headers['user-agent'] ?? '',
      },
      requestId: randomUUID(),
      routeKey: key,
      stage: '$default',
      time: now.toISOString(),
      timeEpoch: now.getTime(),
    },
    isBase64Encoded: false,
  };
}

/** @throws URIError if one is not correctly encoded */
function decoded(parameters: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(parameters).map(([name, value]) => [name, decodeURIComponent(value)]));
}

/** The response for a function's result; without a status code the whole result is the body. */
export function proxyResponse(result: InvocationResult): RestResponse {
  if (result.status === 'throttled') return gatewayResponse(503, 'Service Unavailable');
  if (result.status !== 'succeeded') return gatewayResponse(500, 'Internal Server Error');
  const { statusCode, headers, body } = (result.payload ?? {}) as Partial<Record<string, unknown>>;
  if (typeof statusCode !== 'number') return jsonResponse(200, result.payload as object);
  const given = Object.entries(headers ?? {}).map(([name, value]) => [name.toLowerCase(), String(value)]);
  return { status: statusCode, headers: Object.fromEntries(given), body: String(body ?? '') };
}
