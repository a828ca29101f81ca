import type { CertificateFault } from '../events/delivery.ts';
import type { EventType } from '../events/event-types/event-types.ts';
import type { CertificatePair } from '../partners/client-certificate.ts';
import { type Credentials, credentialsOf } from '../partners/credentials.ts';
import { encryptFields } from '../partners/field-encryption.ts';
import type { Integration } from '../partners/integration.ts';
import type { IntegrationSecret } from '../partners/integration-secret.ts';
import { isTemporary, type OAuthError, settingToTry, type TokenSetting } from '../partners/oauth-errors.ts';
import type { OAuthClient, TokenSource } from '../partners/oauth-tokens.ts';
import { USER_AGENT } from '../partners/own-headers.ts';
import { redact, secretTexts } from '../partners/redact.ts';
import { classify, type Verdict } from '../partners/response-outcome.ts';
import { signatureHeader } from '../partners/signature.ts';
import { signingSecretsAt } from '../partners/signing-periods.ts';
import type { SendResult, WebhookSender } from '../partners/webhook-sender.ts';
import { SecretUnusable } from '../shared/errors.ts';
import type { SecretSource } from '../shared/secret-source.ts';

export interface SendWebhookServices {
  readonly sender: WebhookSender;
  readonly tokens: TokenSource;
  /** The secret of an integration. */
  secretOf(integrationId: string): SecretSource<IntegrationSecret>;
  now(): number;
}

/** One webhook to send. */
export interface Webhook {
  readonly id: string;
  /** Sent as the header `event-type`. */
  readonly eventType: EventType;
  readonly traceparent?: string | undefined;
  readonly body: string;
  readonly integration: Integration;
  /** Covers everything after the secret is read: token, connection, headers, body, and a second request after a 401. */
  readonly timeoutMs: number;
  /** No request is in flight after this time, in epoch milliseconds, because another function may send the webhook then. */
  readonly notAfterMs?: number | undefined;
  /** The client certificate to present, for a test event; `current` by default. */
  readonly pair?: CertificatePair;
}

/** The result of sending a webhook, or why it was not sent. */
export type Sent =
  | {
      readonly kind: 'sent';
      readonly result: SendResult;
      readonly verdict: Exclude<Verdict['verdict'], Refused>;
      readonly reason: string;
      /** The last request as signed and sent; absent if there was no access token. */
      readonly request?: SignedRequest;
      readonly certificate?: CertificateFault;
      /** Present if a token server responded without a usable token. */
      readonly tokenRefusal?: TokenRefusal;
    }
  | { readonly kind: 'unsent'; readonly reason: string };

export interface TokenRefusal {
  readonly error?: OAuthError;
  readonly setting?: TokenSetting;
}

/** Credentials were refused that may have been rotated. */
type Refused = 'unauthorized' | 'certificate_refused';

export interface SignedRequest {
  readonly body: string;
  readonly timestamp: string;
  readonly signature: string;
}

/**
 * Signs and sends one webhook. After a 401 it drops the token, reads the secret again and sends a second request, so that no
 * delivery fails because a credential was rotated. After a refused client certificate it does so if the secret has another one.
 *
 * @throws SecretUnavailable if the secret cannot be read: our own fault, which spends no attempt
 */
export async function sendWebhook(webhook: Webhook, services: SendWebhookServices): Promise<Sent> {
  const { integration, pair } = webhook;
  const source = services.secretOf(integration.id);
  const credentials = await currentCredentials(integration, source, pair);
  if ('unusable' in credentials) return { kind: 'unsent', reason: credentials.unusable };
  const deadlineMs = Math.min(services.now() + webhook.timeoutMs, webhook.notAfterMs ?? Number.POSITIVE_INFINITY);
  const first = await sendOnce(webhook, credentials, deadlineMs, services);
  if (!isRefused(first)) return first as Sent;
  if (first.token !== undefined) services.tokens.drop(first.token.client, first.token.text);
  const refetched = readCredentials(integration, source.refetch(), pair).catch(() => undefined);
  const renewed = await within(deadlineMs - services.now(), refetched);
  if (renewed === undefined)
    return { ...first, verdict: 'retry', reason: `${first.reason}, and its secret cannot be read` };
  if ('unusable' in renewed) return { kind: 'unsent', reason: renewed.unusable };
  const isSameCertificate = renewed.clientCertificate?.id === credentials.clientCertificate?.id;
  const isRefusedAgain = first.verdict === 'certificate_refused' && isSameCertificate;
  const second = isRefusedAgain ? first : await sendOnce(webhook, renewed, deadlineMs, services);
  if (!isRefused(second)) return second as Sent;
  if (second.verdict === 'certificate_refused') return { ...second, verdict: 'retry' };
  return { ...second, verdict: 'dead', reason: `${second.reason}, with fresh credentials too` };
}

function isRefused({ verdict }: Once): boolean {
  return verdict === 'unauthorized' || verdict === 'certificate_refused';
}

/** @returns undefined if it takes longer than `limitMs` */
async function within<T>(limitMs: number, reading: Promise<T>): Promise<T | undefined> {
  const over = Promise.withResolvers<undefined>();
  const timer = setTimeout(over.resolve, Math.max(0, limitMs), undefined);
  try {
    return await Promise.race([reading, over.promise]);
  } finally {
    clearTimeout(timer);
  }
}

/** Why there are no credentials. `isIncomplete`: the secret is valid, but lacks a value that its integration needs. */
interface NoCredentials {
  readonly unusable: string;
  readonly isIncomplete: boolean;
}

/** An incomplete cached secret is read again before a delivery fails, because it may have been repaired. */
async function currentCredentials(
  integration: Integration,
  source: SecretSource<IntegrationSecret>,
  pair: CertificatePair | undefined,
): Promise<Credentials | NoCredentials> {
  const cached = await readCredentials(integration, source.read(), pair);
  return 'unusable' in cached && cached.isIncomplete ? readCredentials(integration, source.refetch(), pair) : cached;
}

/** @throws SecretUnavailable */
async function readCredentials(
  integration: Integration,
  reading: Promise<IntegrationSecret>,
  pair: CertificatePair | undefined,
): Promise<Credentials | NoCredentials> {
  try {
    const credentials = credentialsOf(integration, await reading, pair);
    return 'missing' in credentials ? { unusable: credentials.missing, isIncomplete: true } : credentials;
  } catch (thrown) {
    if (thrown instanceof SecretUnusable) return { unusable: thrown.message, isIncomplete: false };
    throw thrown;
  }
}

type Once = Omit<Extract<Sent, { kind: 'sent' }>, 'verdict'> & {
  readonly verdict: Verdict['verdict'];
  readonly token?: { readonly client: OAuthClient; readonly text: string };
};

async function sendOnce(
  { id, eventType, traceparent, body, integration }: Webhook,
  credentials: Credentials,
  deadlineMs: number,
  services: SendWebhookServices,
): Promise<Once> {
  const leftMs = () => Math.max(1, deadlineMs - services.now());
  const authorized = await authorize(credentials, leftMs(), services.tokens);
  if ('refusal' in authorized) return authorized.refusal;

  const { encrypted_fields: fields } = integration;
  const { secret, encryptionKey: key, clientCertificate } = credentials;
  const exact = key === undefined ? body : await encryptFields(body, fields, key);
  const nowMs = services.now();
  const timestampSeconds = Math.floor(nowMs / 1000);
  const timestamp = String(timestampSeconds);
  const signature = signatureHeader(signingSecretsAt(secret, nowMs), id, timestampSeconds, exact);
  const result = await services.sender.send({
    url: integration.url,
    headers: {
      ...withDefaults(authorized.headers),
      'Content-Type': 'application/json',
      'webhook-id': id,
      'webhook-timestamp': timestamp,
      'webhook-signature': signature,
      'event-type': eventType,
      'payload-format': integration.payload_format,
      ...(traceparent !== undefined && { traceparent }),
    },
    body: exact,
    timeoutMs: leftMs(),
    ...(clientCertificate !== undefined && { clientCertificate }),
  });
  return {
    kind: 'sent',
    result: withoutSecrets(result, secret, authorized.token?.text),
    ...classify(result, integration.retry_on_status, clientCertificate !== undefined),
    request: { body: exact, timestamp, signature },
    ...(authorized.token !== undefined && { token: authorized.token }),
  };
}

/**
 * Adds headers that the integration does not set. Web application firewalls refuse requests without either of them (OWASP
 * Core Rule Set 920300 and 920320). Any media type is accepted, because the response's body is not used.
 */
function withDefaults(headers: Readonly<Record<string, string>>): Record<string, string> {
  const given = Object.keys(headers).map((name) => name.toLowerCase());
  return {
    ...(!given.includes('user-agent') && { 'User-Agent': USER_AGENT }),
    ...(!given.includes('accept') && { Accept: '*/*' }),
    ...headers,
  };
}

/** Redacts secrets, because a partner's response may repeat the request. */
function withoutSecrets(result: SendResult, secret: IntegrationSecret, token: string | undefined): SendResult {
  if (result.kind === 'failed' || result.responseStart === undefined) return result;
  const secrets = [...secretTexts(secret), ...(token === undefined ? [] : [token])];
  return { ...result, responseStart: redact(result.responseStart, secrets) };
}

type Authorized =
  | {
      readonly headers: Readonly<Record<string, string>>;
      readonly token?: { readonly client: OAuthClient; readonly text: string };
    }
  | { readonly refusal: Once };

/** Adds an access token if the integration needs one. A token server's failure is classified like the partner's. */
async function authorize({ headers, oauth }: Credentials, timeoutMs: number, tokens: TokenSource): Promise<Authorized> {
  if (oauth === undefined) return { headers };
  const response = await tokens.token(oauth, timeoutMs);
  if (response.kind === 'token') {
    return {
      headers: { ...headers, Authorization: `Bearer ${response.token}` },
      token: { client: oauth, text: response.token },
    };
  }
  const { result, problem, error } = response;
  const { verdict, reason, certificate } = classify(result, [], oauth.clientCertificate !== undefined);
  const setting = result.kind === 'responded' ? settingToTry(oauth, result.status, error) : undefined;
  const tokenRefusal = { ...(error !== undefined && { error }), ...(setting !== undefined && { setting }) };
  const refusal = (judged: Verdict['verdict'], why: string): { refusal: Once } => ({
    refusal: {
      ...{ kind: 'sent', result, verdict: judged, reason: `token: ${why}` },
      ...(result.kind === 'responded' && { tokenRefusal }),
      ...(certificate !== undefined && { certificate }),
    },
  });
  const named = error === undefined ? reason : `${reason} ${error}`;
  if (problem === 'no_token') {
    const fault = result.kind === 'responded' ? result.responseFault : undefined;
    // A response that is not HTTP will be the same on a retry; a truncated one may be complete.
    if (fault?.startsWith('HPE_')) return refusal('dead', `the response cannot be read: ${fault}`);
    return refusal('retry', error === undefined ? 'the response has no access_token' : named);
  }
  // A retry does not change the server's token type.
  if (problem === 'not_bearer') return refusal('dead', 'the server gives another token_type than Bearer');
  if (problem === 'refused') return refusal('unauthorized', named);
  if (isTemporary(error)) return refusal('retry', named);
  // RFC 6749 prescribes 400 for a refused client. A token endpoint that is gone must not park the integration.
  const isRefused = result.kind === 'responded' && result.status === 400;
  const judged = isRefused ? 'unauthorized' : verdict === 'gone' ? 'dead' : verdict;
  return refusal(judged, named);
}
