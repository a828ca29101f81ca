import { randomBytes } from 'node:crypto';
import { USER_AGENT } from '../../../lambdas/partners/own-headers.ts';
import { signatureHeader, signingSecret } from '../../../lambdas/partners/signature.ts';
import type { SampleBody } from './sample-body.ts';
import type { KitRequest } from './send.ts';
import { newWebhookId } from './test-vector.ts';

/** What a correct receiver responds. */
export type Expectation = 'accepted' | 'refused';

/** One sample: requests that are sent one after the other, and what a correct receiver responds to each. */
export interface Sample {
  readonly name: string;
  readonly expects: Expectation;
  /** What is probably wrong in the receiver, if it responds otherwise. */
  readonly hint: string;
  /** What the receiver's own records must show: responses do not. */
  readonly check?: string;
  /** Signed when it is sent. @param nowMs epoch milliseconds */
  readonly requests: readonly ((nowMs: number) => KitRequest)[];
}

/** What the receiver was given. */
export interface Receiver {
  /** The secrets that it verifies with: one, or two during a rotation. */
  readonly secrets: readonly [string, ...string[]];
  /** Headers that it requires in addition, such as an API key. */
  readonly headers: Readonly<Record<string, string>>;
}

/** The largest body that the pipeline sends, in bytes: docs/partner-guide.md, "What arrives". */
const LARGEST_BODY_BYTES = 280 * 1024;

/** The tolerance of Standard Webhooks is 300 seconds; the clocks of kit and receiver may differ by a minute. */
const WITHIN_TOLERANCE_SECONDS = 240;
const BEYOND_TOLERANCE_SECONDS = 360;

interface Signing {
  readonly id?: string;
  /** Added to the clock. */
  readonly offsetSeconds?: number;
  /** The receiver's first one, by default. */
  readonly secrets?: readonly string[];
  /** Changes the request after it was signed; `undefined` as a header's value leaves the header out. */
  readonly change?: (request: KitRequest) => Change;
}

interface Change {
  readonly headers?: Readonly<Record<string, string | undefined>>;
  readonly body?: string;
}

/**
 * All samples, in the order in which they are sent.
 *
 * @param bodies of the payload formats that the receiver knows; the first one is the base of the other samples
 */
export function samplesFor(
  bodies: readonly [SampleBody, ...SampleBody[]],
  receiver: Receiver,
): readonly [Sample, ...Sample[]] {
  const [base] = bodies;
  const [secret, ...furtherSecrets] = receiver.secrets;
  const stranger = signingSecret(randomBytes(32));

  const request =
    (body: SampleBody, signing: Signing = {}) =>
    (nowMs: number): KitRequest =>
      signedRequest(body, receiver, signing, nowMs);

  const accepted = (name: string, hint: string, ...requests: Sample['requests']): Sample => {
    return { name, expects: 'accepted', hint, requests };
  };
  const refused = (name: string, hint: string, signing: Signing): Sample => {
    return { name, expects: 'refused', hint, requests: [request(base, signing)] };
  };
  const header = (name: string, value: string | undefined): Signing => ({
    change: () => ({ headers: { [name]: value } }),
  });
  const signatureOf = ({ headers }: KitRequest): string => headers['webhook-signature'] ?? '';
  const withSignature = (change: (signature: string) => string): Signing => ({
    change: (signed) => ({ headers: { 'webhook-signature': change(signatureOf(signed)) } }),
  });

  const twiceId = newWebhookId();
  const [first, ...rest] = bodies.map((body) => {
    const key = body.encryptionKey === undefined ? {} : { check: `the key of this field is ${body.encryptionKey}` };
    return { ...accepted(body.name, SIGNED_BYTES, request(body)), ...key };
  }) as [Sample, ...Sample[]];

  return [
    first,
    ...rest,
    accepted('text that is not ASCII', SIGNED_BYTES, request(withField(base, `"text":${ODD_TEXT}`))),
    accepted(
      'a field and a header that are new',
      'ignore fields and headers that you do not know: new ones may be added at any time',
      request(withField(base, '"a_field_added_later":{"x":[null]}'), header('x-header-added-later', '1')),
    ),
    accepted(
      'a trace context',
      'accept the header traceparent (W3C Trace Context), or ignore it',
      request(base, header('traceparent', TRACEPARENT)),
    ),
    accepted(`a body of ${LARGEST_BODY_BYTES / 1024} KiB`, 'allow bodies of 512 KiB', request(largest(base))),
    accepted(
      `signed ${WITHIN_TOLERANCE_SECONDS / 60} minutes ago`,
      'accept timestamps that are at most five minutes old, and check that your clock is right',
      request(base, { offsetSeconds: -WITHIN_TOLERANCE_SECONDS }),
    ),
    ...furtherSecrets.map((further, index) =>
      accepted(
        `a rotation: signed with secret ${index + 2} only`,
        'verify with each of your secrets, until one matches',
        request(base, { secrets: [further] }),
      ),
    ),
    accepted(
      'a rotation: two signatures, yours is the second one',
      SEVERAL_SIGNATURES,
      request(base, { secrets: [stranger, secret] }),
    ),
    accepted(
      'a rotation: two signatures, yours is the first one',
      SEVERAL_SIGNATURES,
      request(base, { secrets: [secret, stranger] }),
    ),
    accepted(
      'a signature of an unknown version before the right one',
      'skip signatures that do not begin with "v1,"',
      request(
        base,
        withSignature((signature) => `v1a,${signature.slice('v1,'.length)} ${signature}`),
      ),
    ),
    {
      ...accepted(
        'the same webhook-id twice',
        'respond with 2xx to a webhook-id that you already have: otherwise the webhook fails, or is sent again',
        request(base, { id: twiceId }),
        request(base, { id: twiceId }),
      ),
      check: `${twiceId} must be in your store once`,
    },
    accepted(
      'two webhooks on one connection',
      'a second request on an open connection must be answered, unless you closed it with "connection: close"',
      request(base),
      request(base),
    ),
    refused('signed with another secret', NOT_COMPARED, { secrets: [stranger] }),
    refused('the body was changed after signing', NOT_COMPARED, { change: ({ body }) => ({ body: `${body} ` }) }),
    refused('the webhook-id was changed after signing', 'the signature also covers webhook-id', {
      change: () => ({ headers: { 'webhook-id': newWebhookId() } }),
    }),
    refused('the timestamp was changed after signing', 'the signature also covers webhook-timestamp', {
      change: ({ headers }) => ({
        headers: { 'webhook-timestamp': String(Number(headers['webhook-timestamp']) - 1) },
      }),
    }),
    refused(
      `signed ${BEYOND_TOLERANCE_SECONDS / 60} minutes ago`,
      'refuse timestamps that are more than five minutes old: the request may be an intercepted one',
      { offsetSeconds: -BEYOND_TOLERANCE_SECONDS },
    ),
    refused(
      `signed ${BEYOND_TOLERANCE_SECONDS / 60} minutes in the future`,
      'refuse timestamps that are more than five minutes in the future',
      { offsetSeconds: BEYOND_TOLERANCE_SECONDS },
    ),
    refused('a timestamp that is no number', 'the timestamp must be digits only', header('webhook-timestamp', 'now')),
    refused(
      'a signature of an unknown version only',
      'compare the whole text, with its "v1,": a signature of another version proves nothing',
      withSignature((signature) => signature.replace('v1,', 'v1a,')),
    ),
    refused(
      'a signature that is cut off',
      'compare whole signatures, in constant time',
      withSignature((signature) => signature.slice(0, -4)),
    ),
    refused('an empty signature', 'refuse it, without an exception', header('webhook-signature', 'v1,')),
    refused('no webhook-signature', 'refuse it, without an exception', header('webhook-signature', undefined)),
    refused('no webhook-timestamp', 'refuse it, without an exception', header('webhook-timestamp', undefined)),
    refused('no webhook-id', 'refuse it, without an exception', header('webhook-id', undefined)),
    accepted('a webhook after the refused ones', 'a refused request must not affect later ones', request(base)),
  ];
}

const SIGNED_BYTES =
  'verify the bytes of the body as they arrived, not JSON that was parsed and serialized again; then check the secret';
const SEVERAL_SIGNATURES = 'split webhook-signature at spaces; one of the signatures must match';
const NOT_COMPARED = 'compare the signature with your own: anyone can send such a request';

/** Letters of two, three and four bytes in UTF-8, an escape, and a separator that JavaScript once escaped. */
const ODD_TEXT = '"Café für \u{1f393} \\u2028 \u2028 \\/"';

/** The example of W3C Trace Context. */
const TRACEPARENT = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';

/** @param field JSON text: a name and its value */
function withField(sample: SampleBody, field: string): SampleBody {
  return { ...sample, body: `${sample.body.slice(0, -1)},${field}}` };
}

function largest(sample: SampleBody): SampleBody {
  const bytes = Buffer.byteLength(withField(sample, '"padding":""').body);
  return withField(sample, `"padding":"${'x'.repeat(LARGEST_BODY_BYTES - bytes)}"`);
}

/** Signed as the pipeline signs, with its headers. */
function signedRequest(sample: SampleBody, receiver: Receiver, signing: Signing, nowMs: number): KitRequest {
  const { id = newWebhookId(), offsetSeconds = 0, secrets = [receiver.secrets[0]], change = () => ({}) } = signing;
  const timestamp = Math.floor(nowMs / 1000) + offsetSeconds;
  const signed = {
    headers: {
      'user-agent': USER_AGENT,
      accept: '*/*',
      ...receiver.headers,
      'content-type': 'application/json',
      'event-type': sample.eventType,
      'payload-format': sample.payloadFormat,
      'webhook-id': id,
      'webhook-timestamp': String(timestamp),
      'webhook-signature': signatureHeader(secrets, id, timestamp, sample.body),
    },
    body: sample.body,
  };
  const { headers = {}, body = signed.body }: Change = change(signed);
  const entries = Object.entries({ ...signed.headers, ...headers }).filter(([, value]) => value !== undefined);
  return { headers: Object.fromEntries(entries) as Record<string, string>, body };
}
