import type { IncomingMessage } from 'node:http';

/** The supported part of an API's `CorsConfiguration`. */
export interface CrossOrigin {
  /** Origins, or all with one scheme: `http://*`. */
  readonly AllowOrigins?: readonly string[];
  readonly AllowMethods?: readonly string[];
  readonly AllowHeaders?: readonly string[];
  /** Seconds. */
  readonly MaxAge?: number;
}

/** CORS headers for an allowed origin; empty for others. */
export function originHeaders({ headers }: IncomingMessage, allowed: CrossOrigin): Record<string, string> {
  const { origin } = headers;
  const isAllowed = (pattern: string) =>
    pattern === origin || (/^https?:\/\/\*$/.test(pattern) && origin?.startsWith(pattern.slice(0, -1)));
  if (origin === undefined || !allowed.AllowOrigins?.some(isAllowed)) return {};
  return { 'access-control-allow-origin': origin };
}

/** A preflight request, to which the gateway responds for any route. */
export function isPreflight({ method, headers }: IncomingMessage): boolean {
  return method === 'OPTIONS' && headers.origin !== undefined && 'access-control-request-method' in headers;
}

export function preflightHeaders(request: IncomingMessage, allowed: CrossOrigin): Record<string, string> {
  const headers = originHeaders(request, allowed);
  if (Object.keys(headers).length === 0) return {};
  return {
    ...headers,
    'access-control-allow-methods': (allowed.AllowMethods ?? []).join(','),
    'access-control-allow-headers': (allowed.AllowHeaders ?? []).join(','),
    'access-control-max-age': String(allowed.MaxAge ?? 0),
  };
}
