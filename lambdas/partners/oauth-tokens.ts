import { createHash } from 'node:crypto';
import * as z from 'zod';
import { createCachedValue, onePerKey } from '../shared/cache.ts';
import { DAY_MS, MINUTE_MS } from '../shared/durations.ts';
import { parseJson } from '../shared/json.ts';
import { USER_AGENT } from './own-headers.ts';
import type { SendResult, WebhookSender } from './webhook-sender.ts';

/** What an integration's OAuth2 server said. */
export type TokenResult =
  | { readonly kind: 'token'; readonly token: string }
  /** Its response, to be judged like any partner's; `problem` where it is a 2xx without a usable token. */
  | { readonly kind: 'none'; readonly result: SendResult; readonly problem?: TokenProblem };

/**
 * Why a 2xx of a token server is of no use:
 * - `no_token`: it holds none, or none that a header can carry.
 * - `not_bearer`: its `token_type` asks for more than the token: a signature (`mac`) or a proof (`DPoP`).
 * - `refused`: it is an error by which RFC 6749 refuses a client, in spite of its status.
 */
export type TokenProblem = 'no_token' | 'not_bearer' | 'refused';

/** Tokens of OAuth2 client credentials, kept in this process until 60 s before they expire. */
export interface TokenSource {
  /** One fetch serves all who ask meanwhile. Waits `timeoutMs` at the most. */
  token(client: OAuthClient, timeoutMs: number): Promise<TokenResult>;
  /** Forgets a token that was refused; a newer one that somebody else fetched meanwhile stays. */
  drop(client: OAuthClient, refused: string): void;
}

export interface OAuthClient {
  readonly tokenUrl: string;
  readonly scope: string;
  readonly clientId: string;
  readonly clientSecret: string;
}

/** Longest token fetch, whoever waits for it and however long. */
const FETCH_TIMEOUT_MS = 10_000;

/** Of a token server's answer so much is read, in bytes: all that the sender can keep. */
const KEPT_BODY_BYTES = 65_536;

/** A token this near to its end is not sent any more: the request has to get there. */
const EARLY_MS = MINUTE_MS;

/** How long a token is good where its server says nothing usable. */
const USUAL_LIFETIME_MS = 5 * MINUTE_MS;

const MAX_LIFETIME_MS = DAY_MS;

/** Visible characters only, since it becomes part of a header. White space around it, or the scheme before it, is left out. */
const tokenSchema = z
  .string()
  .transform((text) => text.trim().replace(/^Bearer +/i, ''))
  .pipe(z.string().regex(/^[\x21-\x7e]{1,8192}$/));

/** Some servers write the seconds as a text, with decimals or spaces. Below 0 is taken for nothing usable. */
const secondsSchema = z.union([
  z.number().min(0),
  z
    .string()
    .trim()
    .regex(/^\d{1,15}(\.\d{0,9})?$/)
    .transform(Number),
]);

/** RFC 6749, sections 5.2 and 4.1.2.1. Other errors may pass. */
const REFUSALS: ReadonlySet<unknown> = new Set([
  'access_denied',
  'invalid_client',
  'invalid_grant',
  'invalid_request',
  'invalid_scope',
  'unauthorized_client',
  'unsupported_grant_type',
]);

export interface TokenSourceOptions {
  /** The way to partners: token URLs pass the same guard as webhook URLs. */
  readonly sender: WebhookSender;
  /** The wall clock in milliseconds: a monotonic one may stand still while Lambda keeps the function frozen. */
  readonly now?: () => number;
}

/**
 * Fetches tokens as Percipio gives them: a JSON POST of the client's credentials, `{ access_token, expires_in }` in the
 * response.
 *
 * Concurrent callers share one fetch, and its failure; a failure is not kept. Nothing is logged, and no result quotes a
 * token server, whose response may repeat the secret that it was sent.
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
  /** 0 or less where there is no token, or none that lives long enough. */
  readonly keepMs: number;
}

async function fetchToken(sender: WebhookSender, client: OAuthClient): Promise<Fetched> {
  const result = await sender.send(tokenRequest(client));
  const answer = readAnswer(result);
  if (answer === undefined) return { result: { kind: 'none', result: withoutBody(result) }, keepMs: 0 };
  if (typeof answer === 'string') {
    return { result: { kind: 'none', result: withoutBody(result), problem: answer }, keepMs: 0 };
  }
  return { result: { kind: 'token', token: answer.token }, keepMs: answer.lifetimeMs - EARLY_MS };
}

/** Hashed: no secret is kept as part of a key. Another secret is another client, so a rotated one fetches at once. */
function keyOf({ tokenUrl, scope, clientId, clientSecret }: OAuthClient): string {
  return createHash('sha256')
    .update(JSON.stringify([tokenUrl, scope, clientId, clientSecret]))
    .digest('base64');
}

function tokenRequest({ tokenUrl, scope, clientId, clientSecret }: OAuthClient) {
  const grant = { client_id: clientId, client_secret: clientSecret, grant_type: 'client_credentials', scope };
  return {
    url: tokenUrl,
    headers: { 'User-Agent': USER_AGENT, Accept: 'application/json', 'Content-Type': 'application/json' },
    body: JSON.stringify(grant),
    timeoutMs: FETCH_TIMEOUT_MS,
    keepBodyBytes: KEPT_BODY_BYTES,
  };
}

interface Token {
  readonly token: string;
  readonly lifetimeMs: number;
}

/** @returns undefined where the status says already that there is none */
function readAnswer(result: SendResult): Token | TokenProblem | undefined {
  if (result.kind !== 'answered' || result.status < 200 || result.status >= 300) return undefined;
  const fields = fieldsOf(result.responseStart ?? '');
  const token = tokenSchema.safeParse(fields.accesstoken);
  if (!token.success) {
    return fields.accesstoken === undefined && REFUSALS.has(fields.error) ? 'refused' : 'no_token';
  }
  if (!isBearer(fields.tokentype)) return 'not_bearer';
  const seconds = secondsSchema.safeParse(fields.expiresin);
  const lifetimeMs = seconds.success ? Math.min(seconds.data * 1000, MAX_LIFETIME_MS) : USUAL_LIFETIME_MS;
  return { token: token.data, lifetimeMs };
}

/** In any case, and with an addition: `bearer`, `BearerToken`. A server that names none means it. */
function isBearer(type: unknown): boolean {
  return type === undefined || type === null || (typeof type === 'string' && /^\s*(bearer|$)/i.test(type));
}

type Fields = Readonly<Record<string, unknown>>;

/**
 * The fields of a token response by their names in small letters without underscores: `access_token`, `accessToken`. They
 * stand in a JSON object, or in the one object in it that has a token (`{"data": {…}}`); in JSON that was encoded twice;
 * or in a form, as servers before RFC 6749 wrote it.
 */
function fieldsOf(text: string): Fields {
  // White space and a byte order mark around it are no part of JSON.
  const document = parseJson(text.trim());
  const outer = byPlainName(typeof document === 'string' ? parseJson(document.trim()) : document);
  if (document === undefined && /^\s*[\w.~%+-]+=[^\s{}<>]*\s*$/.test(text)) {
    return byPlainName(Object.fromEntries(new URLSearchParams(text.trim())));
  }
  if (outer.accesstoken !== undefined) return outer;
  const wrapped = Object.values(outer).map(byPlainName);
  const [inner, ...others] = wrapped.filter(({ accesstoken }) => accesstoken !== undefined);
  return inner !== undefined && others.length === 0 ? inner : outer;
}

function byPlainName(value: unknown): Fields {
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

/** The fetch goes on for others, and for the next attempt, when one caller has no more time. */
async function within(timeoutMs: number, fetch: Promise<Fetched>): Promise<TokenResult> {
  const over = Promise.withResolvers<TokenResult>();
  const result: SendResult = { kind: 'failed', code: 'TIMEOUT' };
  const giveUp = () => over.resolve({ kind: 'none', result });
  // Once more around the event loop, so that a token which came while it stood still counts.
  const timer = setTimeout(() => setImmediate(giveUp), timeoutMs);
  try {
    return await Promise.race([fetch.then((fetched) => fetched.result), over.promise]);
  } finally {
    clearTimeout(timer);
  }
}
