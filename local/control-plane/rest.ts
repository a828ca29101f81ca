import type { IncomingHttpHeaders } from 'node:http';
import { AwsError } from './aws-error.ts';

/** A request of a service that tells its operations apart by method and path. */
export interface RestRequest {
  readonly method: string;
  /** Of the path, decoded: `['applications', 'abc1234']`. */
  readonly segments: readonly string[];
  readonly query: URLSearchParams;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/**
 * Answers what is its own, and nothing (undefined) to what is not. What it throws with a `name` and a `statusCode`
 * reaches the client as that AWS error.
 */
export type RestApi = (request: RestRequest) => Promise<Answer | undefined>;

/**
 * A service behind `POST /` with the header `X-Amz-Target: <prefix>.<operation>` and a JSON body. What it throws with a
 * `name` and a `statusCode` reaches the client as that AWS error; anything else as a 500 `InternalFailure`.
 */
export type TargetHandler = (operation: string, body: Readonly<Record<string, unknown>>) => Promise<object>;

export function jsonAnswer(status: number, body: object, type = 'application/json'): Answer {
  return { status, headers: { 'Content-Type': type }, body: JSON.stringify(body) };
}

/** @throws AwsError where the body is no JSON object */
export function jsonBody(body: Buffer): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(body.toString());
    if (typeof value === 'object' && value !== null) return value as Record<string, unknown>;
  } catch {
    // Told below.
  }
  throw new AwsError('SerializationException', 400, 'the body is not a JSON object');
}

/** Headers without those that have no value. */
export function headersOf(values: Readonly<Record<string, string | number | undefined>>): Record<string, string> {
  const given = Object.entries(values).filter(([, value]) => value !== undefined);
  return Object.fromEntries(given.map(([name, value]) => [name, String(value)]));
}
