import * as z from 'zod';

/** Plain HTTP is for a server on one's own machine. */
const LOOPBACK = /^http:\/\/127\.0\.0\.1(:\d{1,5})?(\/|$)/;

/** Scheme, host and port, as browsers write it: a path or a slash at the end would match no request. */
const ORIGIN = /^https:\/\/[a-z0-9-]+(\.[a-z0-9-]+)*(:\d{1,5})?$/;

/** What API Gateway adds `/.well-known/openid-configuration` to; compared with a token's `iss` letter by letter. */
const issuer = z
  .string('must be there: it issues the tokens that browsers send')
  .refine((text) => LOOPBACK.test(text) || isIssuer(text), {
    error: 'must be an https URL without a query or a fragment, as the tokens’ iss has it',
  });

/** API Gateway takes it for every origin with plain HTTP. */
const ANY_PLAIN_ORIGIN = 'http://*';

const origin = z.string().refine((text) => text === ANY_PLAIN_ORIGIN || LOOPBACK.test(text) || ORIGIN.test(text), {
  error: 'must be an origin as browsers write it, https://host or https://host:port',
});

/** Who may ask from a browser. Absent: nobody, and there are the operators' routes only. */
const browsers = z.strictObject({
  issuer,
  /** A token's `aud`, or else its `client_id`, must be one of these. */
  audiences: z
    .array(z.string().min(1), 'must be at least one: any token of the issuer would do otherwise')
    .min(1, 'must be at least one: any token of the issuer would do otherwise'),
  /** Sites whose scripts may read the answers (CORS). */
  origins: z.array(origin),
  /**
   * The claim that holds the caller's enterprise, and must be the one that is asked for. Absent: whoever has a token may
   * ask for any enterprise.
   */
  enterpriseClaim: z.string().min(1).optional(),
});

/** The status API. Requests over the limits are answered 429 by the gateway. */
export const statusApiSettings = z.strictObject({
  /** Of all callers together, over time. */
  requestsPerSecond: z.int().min(1).max(1000),
  /** At once. */
  burst: z.int().min(1).max(1000),
  browsers: browsers.optional(),
});
export type StatusApiSettings = z.infer<typeof statusApiSettings>;
export type BrowserSettings = z.infer<typeof browsers>;

/**
 * Of the stage `local`. Its issuer's URL is a name: the local platform runs the issuer wherever a port is free, as it does
 * with the page that asks.
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
