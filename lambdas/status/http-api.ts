/** The fields of an HTTP API request (payload format 2.0) that both APIs read. */
export interface HttpRequest {
  /** `GET /path/{parameter}`, as the gateway matched it. */
  readonly routeKey: string;
  readonly rawQueryString: string;
  readonly pathParameters?: Readonly<Record<string, string | undefined>> | undefined;
}

export interface HttpResponse {
  readonly statusCode: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

type Headers = Readonly<Record<string, string>>;

export function jsonResponse(statusCode: number, headers: Headers, body: object): HttpResponse {
  return { statusCode, headers: { 'content-type': 'application/json', ...headers }, body: JSON.stringify(body) };
}

/** Shaped as `statusErrorSchema`. */
export function errorResponse(statusCode: number, error: string, headers: Headers = {}): HttpResponse {
  return jsonResponse(statusCode, { 'cache-control': 'no-store', ...headers }, { detail: { error } });
}
