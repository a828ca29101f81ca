import * as z from 'zod';

/** The only hosts with plain HTTP. */
const LOOPBACK = /^http:\/\/127\.0\.0\.1(:\d{1,5})?(\/|$)/;

/** Scheme, host and port. An origin with a path or a trailing slash would match no request. */
const ORIGIN = /^https:\/\/[a-z0-9-]+(\.[a-z0-9-]+)*(:\d{1,5})?$/;

/** API Gateway appends `/.well-known/openid-configuration`; the URL must equal the tokens' `iss` exactly. */
const issuer = z
  .string('is required: it issues the tokens that browsers send')
  .refine((text) => LOOPBACK.test(text) || isIssuer(text), {
    error: 'must be an https URL without query or fragment, equal to the tokens’ iss',
  });

/** For API Gateway: every origin with plain HTTP. */
const ANY_PLAIN_ORIGIN = 'http://*';

const origin = z.string().refine((text) => text === ANY_PLAIN_ORIGIN || LOOPBACK.test(text) || ORIGIN.test(text), {
  error: 'must be an origin, https://host or https://host:port',
});

/** Access for browsers. Absent: the API has the operators' routes only. */
const browsers = z.strictObject({
  issuer,
  /** A token's `aud`, or else its `client_id`, must be one of these. */
  audiences: z
    .array(z.string().min(1), 'must have at least one: otherwise any token of the issuer would be accepted')
    .min(1, 'must have at least one: otherwise any token of the issuer would be accepted'),
  /** Origins whose scripts may read responses (CORS). */
  origins: z.array(origin),
  /**
   * The claim with the caller's enterprise, which must equal the requested one. Absent: any token may request any enterprise.
   */
  enterpriseClaim: z.string().min(1).optional(),
});

/** The status API. The gateway responds 429 to requests over the limits. */
export const statusApiSettings = z.strictObject({
  /** Steady rate of all callers together. */
  requestsPerSecond: z.int().min(1).max(1000),
  /** Maximum number of requests at once. */
  burst: z.int().min(1).max(1000),
  browsers: browsers.optional(),
});
export type StatusApiSettings = z.infer<typeof statusApiSettings>;
export type BrowserSettings = z.infer<typeof browsers>;

/**
 * For the stage `local`. The issuer's URL is a placeholder: the local platform starts the issuer and the example page on free
 * ports.
 */
export const LOCAL_BROWSERS = {
  issuer: 'http://127.0.0.1/issuer',
  audiences: ['lms'],
  origins: [ANY_PLAIN_ORIGIN],
  enterpriseClaim: 'enterprise_customer_uuid',
} satisfies BrowserSettings;

export function isPlainHttp({ browsers }: StatusApiSettings): boolean {
  return (
    browsers !== undefined &&
    [browsers.issuer, ...browsers.origins].some((url) => url === ANY_PLAIN_ORIGIN || LOOPBACK.test(url))
  );
}

function isIssuer(text: string): boolean {
  return URL.canParse(text) && new URL(text).protocol === 'https:' && !/[?#\s]/.test(text);
}
