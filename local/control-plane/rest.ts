import type { IncomingHttpHeaders } from 'node:http';
import { AwsError } from './aws-error.ts';

/** A request to a REST service. */
export interface RestRequest {
  readonly method: string;
  /** Of the path, decoded: `['applications', 'abc1234']`. */
  readonly segments: readonly string[];
  readonly query: URLSearchParams;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

export interface RestResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/**
 * Returns undefined for requests of other services. Thrown errors with `name` and `statusCode` reach the client as AWS
 * errors.
 */
export type RestApi = (request: RestRequest) => Promise<RestResponse | undefined>;

/**
 * A service behind `POST /` with the header `X-Amz-Target: <prefix>.<operation>` and a JSON body. Thrown errors
 * with `name` and `statusCode` reach the client as AWS errors; others as 500 `InternalFailure`.
 */
export type TargetHandler = (operation: string, body: Readonly<Record<string, unknown>>) => Promise<object>;

export function jsonResponse(status: number, body: object, type = 'application/json'): RestResponse {
  return { status, headers: { 'Content-Type': type }, body: JSON.stringify(body) };
}

/** @throws AwsError if the body is not a JSON object */
export function jsonBody(body: Buffer): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(body.toString());
    if (typeof value === 'object' && value !== null) return value as Record<string, unknown>;
  } catch {
    // Thrown below.
  }
  throw new AwsError('SerializationException', 400, 'the body is not a JSON object');
}

/** Headers without undefined values. */
export function headersOf(values: Readonly<Record<string, string | number | undefined>>): Record<string, string> {
  const given = Object.entries(values).filter(([, value]) => value !== undefined);
  return Object.fromEntries(given.map(([name, value]) => [name, String(value)]));
}
