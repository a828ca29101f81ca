import type { FunctionPool } from '../lambda/function-pool.ts';
import type { Functions } from '../lambda/functions.ts';
import type { Resolver } from '../resolver.ts';
import { type AddressOfIssuer, type Authorizer, authorizerOf } from './authorizers.ts';

/** One route of an HTTP API: `GET /pets/{id}`. */
export interface Route {
  readonly key: string;
  readonly method: string;
  /** Segments of its path; `{name}` matches any segment. */
  readonly segments: readonly string[];
  readonly authorizer: Authorizer;
  readonly target: FunctionPool;
}

export interface Match {
  readonly route: Route;
  readonly parameters: Readonly<Record<string, string>>;
}

/** @throws Error if a route has something unsupported */
export function routesOf(apiId: string, resolver: Resolver, functions: Functions, addressOf: AddressOfIssuer): Route[] {
  return resolver.logicalIds('AWS::ApiGatewayV2::Route').flatMap((logicalId) => {
    const { ApiId, RouteKey, Target, ...authorization } = resolver.properties(logicalId);
    if (ApiId !== apiId) return [];
    const key = String(RouteKey);
    const [method = '', path] = key.split(' ');
    if (path === undefined || path.includes('+}')) {
      throw new Error(`${logicalId}: the local platform has no route ${key}, only methods with a path`);
    }
    const target = functions.find(targetOf(resolver, String(Target).replace(/^integrations\//, '')));
    return [
      { key, method, segments: segmentsOf(path), authorizer: authorizerOf(authorization, resolver, addressOf), target },
    ];
  });
}

/** The ARN of the function that an integration invokes. */
function targetOf(resolver: Resolver, integrationId: string): string {
  const { IntegrationType, PayloadFormatVersion, IntegrationUri } = resolver.properties(integrationId);
  if (IntegrationType !== 'AWS_PROXY' || PayloadFormatVersion !== '2.0') {
    throw new Error(`${integrationId}: only functions with payload format 2.0 are invoked by the local platform`);
  }
  return String(IntegrationUri);
}

/** The route of a request: an exact path has precedence over one with a parameter. */
export function findRoute(routes: readonly Route[], method: string, path: string): Match | undefined {
  const asked = segmentsOf(path);
  const matches = routes
    .filter((route) => route.method === method)
    .flatMap((route) => {
      const parameters = parametersOf(route.segments, asked);
      return parameters === undefined ? [] : [{ route, parameters }];
    });
  const [best] = matches.sort((one, other) => count(one.parameters) - count(other.parameters));
  return best;
}

/** @returns undefined if the path does not match */
function parametersOf(pattern: readonly string[], asked: readonly string[]): Record<string, string> | undefined {
  if (pattern.length !== asked.length) return undefined;
  const parameters: Record<string, string> = {};
  for (const [at, part] of pattern.entries()) {
    const segment = asked[at] ?? '';
    const [, name] = /^\{(\w+)\}$/.exec(part) ?? [];
    if (name !== undefined && segment !== '') parameters[name] = segment;
    else if (part !== segment) return undefined;
  }
  return parameters;
}

function segmentsOf(path: string): string[] {
  return path.split('/').slice(1);
}

function count(parameters: object): number {
  return Object.keys(parameters).length;
}
