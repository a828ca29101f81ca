import type { IncomingMessage } from 'node:http';
import { LOCAL_BROWSERS } from '../../lib/status-api-settings.ts';
import type { Clock } from '../clock/clock.ts';
import type { RestResponse } from '../control-plane/rest.ts';
import { type HttpServer, startHttpServer } from '../http-server.ts';
import type { Functions } from '../lambda/functions.ts';
import type { Resolver } from '../resolver.ts';
import { resourcesOfType } from '../template.ts';
import { type CrossOrigin, isPreflight, originHeaders, preflightHeaders } from './cross-origin.ts';
import { gatewayResponse, proxyEvent, proxyResponse } from './proxy.ts';
import { findRoute, type Route, routesOf } from './routes.ts';
import { startTokenIssuer, type TokenIssuer } from './token-issuer.ts';

/** An API of the template, with its server. */
interface RunningApi extends HttpServer {
  readonly id: string;
  /** Empty before the functions exist. */
  routes: readonly Route[];
  crossOrigin: CrossOrigin;
}

/**
 * API Gateway's HTTP APIs, each on a free port of 127.0.0.1, with the template's routes, authorizers and CORS. Throttling,
 * access logs and invoke permissions are not emulated.
 */
export class HttpApis {
  readonly #apis: readonly RunningApi[];
  /** The issuer of the stage `local`; undefined if the template names another, or none. */
  readonly issuer: TokenIssuer | undefined;

  private constructor(apis: readonly RunningApi[], issuer: TokenIssuer | undefined) {
    this.#apis = apis;
    this.issuer = issuer;
  }

  static async start(resolver: Resolver, clock: Clock): Promise<HttpApis> {
    const ids = resolver.logicalIds('AWS::ApiGatewayV2::Api');
    const { issuer, audiences } = LOCAL_BROWSERS;
    const isNamed = resourcesOfType(resolver.template, 'AWS::ApiGatewayV2::Authorizer').some(
      ([, { Properties }]) => (Properties?.JwtConfiguration as { Issuer?: unknown } | undefined)?.Issuer === issuer,
    );
    const starting = isNamed
      ? startTokenIssuer({ issuer, audience: String(audiences[0]) })
      : Promise.resolve(undefined);
    const [tokens, ...apis] = await Promise.all([starting, ...ids.map((id) => listen(id, clock))]);
    return new HttpApis(apis, tokens);
  }

  register(resolver: Resolver): void {
    for (const { id, url } of this.#apis) {
      resolver.register(id, { ref: id, attributes: { ApiEndpoint: url, ApiId: id } });
    }
  }

  /** @throws Error if the template has something unsupported */
  serve(resolver: Resolver, functions: Functions): void {
    const addressOf = (issuer: string) => (issuer === LOCAL_BROWSERS.issuer && this.issuer?.url) || issuer;
    for (const api of this.#apis) {
      api.crossOrigin = (resolver.properties(api.id).CorsConfiguration ?? {}) as CrossOrigin;
      api.routes = routesOf(api.id, resolver, functions, addressOf);
    }
  }

  async stop(): Promise<void> {
    await Promise.all([this.issuer?.close(), ...this.#apis.map((api) => api.close())]);
  }
}

async function listen(id: string, clock: Clock): Promise<RunningApi> {
  const server = await startHttpServer((request, response) => {
    const work = clock.beginRequest();
    response.once('close', () => work.end());
    request.resume();
    const responding = respondTo(request, api).catch(() => gatewayResponse(500, 'Internal Server Error'));
    void responding.then(({ status, headers, body }) =>
      response.writeHead(status, { ...headers, ...originHeaders(request, api.crossOrigin) }).end(body),
    );
  });
  const api: RunningApi = { ...server, id, routes: [], crossOrigin: {} };
  return api;
}

async function respondTo(request: IncomingMessage, api: RunningApi): Promise<RestResponse> {
  if (isPreflight(request)) return { status: 204, headers: preflightHeaders(request, api.crossOrigin), body: '' };
  const url = new URL(request.url ?? '/', api.url);
  const match = findRoute(api.routes, request.method ?? '', url.pathname);
  if (match === undefined) return gatewayResponse(404, 'Not Found');
  const permission = await match.route.authorizer(request.headers.authorization);
  if ('status' in permission) return gatewayResponse(permission.status, permission.message);
  let event: object;
  try {
    event = proxyEvent(request, url, match, api.id, permission.context);
  } catch {
    return gatewayResponse(400, 'Bad Request');
  }
  return proxyResponse(await match.route.target.invoke(event));
}
