import { createHash } from 'node:crypto';
import * as z from 'zod';
import { createCachedValue, onePerKey } from '../shared/cache.ts';
import { DAY_MS, MINUTE_MS } from '../shared/durations.ts';
import { parseJson } from '../shared/json.ts';
import type { ClientCertificate } from './client-certificate.ts';
import { isTemporary, type OAuthError, oauthErrorOf, type TokenRequestForm } from './oauth-errors.ts';
import { USER_AGENT } from './own-headers.ts';
import type { SendResult, WebhookRequest, WebhookSender } from './webhook-sender.ts';

/** The result of fetching a token. */
export type TokenResult =
  | { readonly kind: 'token'; readonly token: string }
  /** The response, classified like any partner's; `problem` if it is a 2xx without a usable token. */
  | {
      readonly kind: 'none';
      readonly result: SendResult;
      readonly problem?: TokenProblem;
      /** The response's error, of any status. */
      readonly error?: OAuthError;
    };

/**
 * Why a 2xx of a token server has no usable token:
 * - `no_token`: it has none, or one that is no valid header value.
 * - `not_bearer`: its `token_type` requires a signature (`mac`) or a proof (`DPoP`).
 * - `refused`: it is an RFC 6749 error that refuses the client, despite its status.
 */
export type TokenProblem = 'no_token' | 'not_bearer' | 'refused';

/** Tokens of OAuth2 client credentials, cached in this process until 60 s before they expire. */
export interface TokenSource {
  /** Concurrent callers share one fetch. Waits for `timeoutMs` at most. */
  token(client: OAuthClient, timeoutMs: number): Promise<TokenResult>;
  /** Drops a token that was refused. A newer token, fetched by another caller in the meantime, stays. */
  drop(client: OAuthClient, refused: string): void;
}

export interface OAuthClient extends TokenRequestForm {
  readonly tokenUrl: string;
  /** Empty: the request has none. */
  readonly scope: string;
  readonly audience?: string;
  readonly clientId: string;
  readonly clientSecret: string;
  /** Presented to the token server too, which may bind the token to it (RFC 8705, section 3). */
  readonly clientCertificate?: ClientCertificate;
}

/** Timeout of a fetch, independent of the callers' timeouts. */
const FETCH_TIMEOUT_MS = 10_000;

/** The largest token response, in bytes: the sender's maximum. */
const KEPT_BODY_BYTES = 65_536;

/** A token that expires sooner is not used: the request takes time too. */
const EARLY_MS = MINUTE_MS;

/** The lifetime of a token without a valid `expires_in`. */
const DEFAULT_LIFETIME_MS = 5 * MINUTE_MS;

const MAX_LIFETIME_MS = DAY_MS;

/** Visible ASCII, since it becomes part of a header. White space around it and a scheme before it are removed. */
const tokenSchema = z
  .string()
  .transform((text) => text.trim().replace(/^Bearer +/i, ''))
  .pipe(z.string().regex(/^[\x21-\x7e]{1,8192}$/));

/** Some servers return the seconds as text, with decimals or spaces. Negative values are invalid. */
const secondsSchema = z.union([
  z.number().min(0),
  z
    .string()
    .trim()
    .regex(/^\d{1,15}(\.\d{0,9})?$/)
    .transform(Number),
]);

export interface TokenSourceOptions {
  /** Token URLs are checked as webhook URLs are. */
  readonly sender: WebhookSender;
  /** The wall clock in milliseconds: a monotonic clock may stand still while Lambda freezes the function. */
  readonly now?: () => number;
}

/**
 * Creates a source that fetches tokens by the grant `client_credentials` (RFC 6749, section 4.4): a POST with the client's
 * credentials returns `{ access_token, expires_in }`.
 *
 * Concurrent callers share one fetch and its failure; a failure is not cached. Nothing is logged, and no result quotes the
 * token server, whose response may repeat the secret.
 */
export function createTokenSource({ sender, now = Date.now }: TokenSourceOptions): TokenSource {
  const tokens = onePerKey((_key, client: OAuthClient) =>
    createCachedValue<Fetched>({
      read: () => fetchToken(sender, client),
      keepMs: ({ keepMs }) => keepMs,
      now,
      readLimitMs: FETCH_TIMEOUT_MS + 1,
    }),
  );
  return {
    async token(client, timeoutMs) {
      const token = tokens(keyOf(client), client);
      return token.peek()?.result ?? within(timeoutMs, token.get());
    },
    drop(client, refused) {
      const token = tokens(keyOf(client), client);
      const result = token.peek()?.result;
      if (result?.kind === 'token' && result.token === refused) token.drop();
    },
  };
}

interface Fetched {
  readonly result: TokenResult;
  /** 0 or less if there is no token, or it expires too soon. */
  readonly keepMs: number;
}

async function fetchToken(sender: WebhookSender, client: OAuthClient): Promise<Fetched> {
  const result = await sender.send(tokenRequest(client));
  const token = readToken(result);
  if ('token' in token) {
    return { result: { kind: 'token', token: token.token }, keepMs: token.lifetimeMs - EARLY_MS };
  }
  return { result: { kind: 'none', result: withoutBody(result), ...token }, keepMs: 0 };
}

/** Hashed, so that no secret is part of a key. A rotated secret has another key, and is used immediately. */
function keyOf({ clientCertificate, ...client }: OAuthClient): string {
  return createHash('sha256')
    .update(JSON.stringify([client, clientCertificate?.id]))
    .digest('base64');
}

const MEDIA_TYPES = { json: 'application/json', form: 'application/x-www-form-urlencoded' } as const;

function tokenRequest({
  tokenUrl,
  request,
  authentication,
  scope,
  audience,
  clientId,
  clientSecret,
  clientCertificate,
}: OAuthClient): WebhookRequest {
  const isBasic = authentication === 'basic';
  const grant = {
    // Not in both places: a client must not use two ways to authenticate (RFC 6749, section 2.3).
    ...(!isBasic && { client_id: clientId, client_secret: clientSecret }),
    grant_type: 'client_credentials',
    ...(scope !== '' && { scope }),
    ...(audience !== undefined && { audience }),
  };
  return {
    url: tokenUrl,
    headers: {
      'User-Agent': USER_AGENT,
      Accept: 'application/json',
      'Content-Type': MEDIA_TYPES[request],
      ...(isBasic && { Authorization: basicOf(clientId, clientSecret) }),
    },
    body: request === 'json' ? JSON.stringify(grant) : new URLSearchParams(grant).toString(),
    timeoutMs: FETCH_TIMEOUT_MS,
    keepBodyBytes: KEPT_BODY_BYTES,
    ...(clientCertificate !== undefined && { clientCertificate }),
  };
}

/** RFC 6749, section 2.3.1: id and secret are form-encoded first, so that neither has a colon or a character beyond ASCII. */
function basicOf(clientId: string, clientSecret: string): string {
  return `Basic ${Buffer.from(`${formEncoded(clientId)}:${formEncoded(clientSecret)}`).toString('base64')}`;
}

/** A blank as %20, not as +: both are form encoding, and servers that decode percent signs only (Authlib) read it too. */
function formEncoded(text: string): string {
  return new URLSearchParams({ '': text }).toString().slice('='.length).replaceAll('+', '%20');
}

interface Token {
  readonly token: string;
  readonly lifetimeMs: number;
}

/** Why there is no token: absent if the result's status or code says all. */
type NoToken = Pick<Extract<TokenResult, { kind: 'none' }>, 'problem' | 'error'>;

function readToken(result: SendResult): Token | NoToken {
  if (result.kind !== 'responded') return {};
  const fields = fieldsOf(result.responseStart ?? '');
  const code = oauthErrorOf(fields.error);
  const error = code !== undefined && { error: code };
  if (result.status < 200 || result.status >= 300) return { ...error };
  const token = tokenSchema.safeParse(fields.accesstoken);
  if (!token.success) {
    const isRefused = fields.accesstoken === undefined && code !== undefined && !isTemporary(code);
    return { problem: isRefused ? 'refused' : 'no_token', ...error };
  }
  if (!isBearer(fields.tokentype)) return { problem: 'not_bearer' };
  const seconds = secondsSchema.safeParse(fields.expiresin);
  const lifetimeMs = seconds.success ? Math.min(seconds.data * 1000, MAX_LIFETIME_MS) : DEFAULT_LIFETIME_MS;
  return { token: token.data, lifetimeMs };
}

/** Whether a `token_type` is bearer, in any case or with a suffix: `bearer`, `BearerToken`. Absent means bearer. */
function isBearer(type: unknown): boolean {
  return type === undefined || type === null || (typeof type === 'string' && /^\s*(bearer|$)/i.test(type));
}

type Fields = Readonly<Record<string, unknown>>;

/**
 * The fields of a token response, with their names in lower case without underscores: `access_token` and `accessToken` are
 * the same. Accepted are a JSON object, a JSON object with one nested object that has a token (`{"data": {…}}`), JSON that
 * was encoded twice, and a form, as servers before RFC 6749 returned it.
 */
function fieldsOf(text: string): Fields {
  // `trim` also removes a byte order mark.
  const document = parseJson(text.trim());
  const outer = byNormalizedName(typeof document === 'string' ? parseJson(document.trim()) : document);
  if (document === undefined && /^\s*[\w.~%+-]+=[^\s{}<>]*\s*$/.test(text)) {
    return byNormalizedName(Object.fromEntries(new URLSearchParams(text.trim())));
  }
  if (outer.accesstoken !== undefined) return outer;
  const wrapped = Object.values(outer).map(byNormalizedName);
  const [inner, ...others] = wrapped.filter(({ accesstoken }) => accesstoken !== undefined);
  return inner !== undefined && others.length === 0 ? inner : outer;
}

function byNormalizedName(value: unknown): Fields {
  if (typeof value !== 'object' || value === null) return {};
  return Object.fromEntries(
    Object.entries(value).map(([name, each]) => [name.toLowerCase().replaceAll('_', ''), each]),
  );
}

function withoutBody(result: SendResult): SendResult {
  if (result.kind === 'failed') return result;
  const { responseStart: _, ...rest } = result;
  return rest;
}

/** Waits for a fetch. After a timeout the fetch continues, for other callers and for the next attempt. */
async function within(timeoutMs: number, fetch: Promise<Fetched>): Promise<TokenResult> {
  const over = Promise.withResolvers<TokenResult>();
  const result: SendResult = { kind: 'failed', code: 'TIMEOUT' };
  const giveUp = () => over.resolve({ kind: 'none', result });
  // Let the event loop run once more, so that a token that arrived while it was blocked still counts.
  const timer = setTimeout(() => setImmediate(giveUp), timeoutMs);
  try {
    return await Promise.race([fetch.then((fetched) => fetched.result), over.promise]);
  } finally {
    clearTimeout(timer);
  }
}
