import { type Sent, sendWebhook } from '../../lambdas/delivery/send-webhook.ts';
import { webhookId } from '../../lambdas/events/identity.ts';
import { createHttpsSender } from '../../lambdas/partners/http/sender.ts';
import type { IntegrationSecret } from '../../lambdas/partners/integration-secret.ts';
import { signatureHeader } from '../../lambdas/partners/signature.ts';
import { integration } from '../support/factories.ts';
import { startPartner, TO_LOCAL_PARTNERS } from '../support/partner-server.ts';
import { NO_TOKENS, secretSource } from '../support/sending.ts';
import type { Receipt } from './verify-receipts.ts';

const secretOf = (bytes: number, fill: number) => `whsec_${Buffer.alloc(bytes, fill).toString('base64')}`;

export const NEW = secretOf(32, 1);
export const OLD = secretOf(24, 2);
export const STRANGER = secretOf(32, 3);
const LONGEST = secretOf(64, 4);
export const KEY = Buffer.alloc(32, 5).toString('base64');

/** What a partner may get: every byte counts, so letters of all lengths, odd spacing, numbers with their digits. */
export const BODIES = {
  plain: '{"completion": {"percent_grade": 1.0,  "id": 12345678901234567890}}',
  letters: '{"course_name":"Café für \u{1f393} \\u2028 \u2028","slash":"\\/"}',
  large: JSON.stringify({ text: 'é'.repeat(100_000) }),
  empty: '{}',
};

const sender = createHttpsSender(TO_LOCAL_PARTNERS);

export interface Sending {
  /** Ours, as it is kept in memory. */
  readonly secret?: Partial<IntegrationSecret>;
  /** Ours, when it is read again. */
  readonly secretAnew?: Partial<IntegrationSecret>;
  readonly encryptedFields?: readonly string[];
}

/** Signs and sends as the pipeline does, over a real connection. */
export function send(url: string, body: string, sending: Sending = {}): Promise<Sent> {
  const { secret, secretAnew = secret, encryptedFields = [] } = sending;
  const whole = (part: Partial<IntegrationSecret> = {}) => ({ signing_secrets: [NEW], encryption_key: KEY, ...part });
  const source = secretSource(whole(secret), whole(secretAnew));
  const entry = integration({ url, encrypted_fields: encryptedFields });
  const services = { sender, tokens: NO_TOKENS, secretOf: () => source, now: Date.now };
  const webhook = { id: webhookId('acme', body), eventType: 'course_completion', body, integration: entry } as const;
  return sendWebhook({ ...webhook, timeoutMs: 10_000 }, services);
}

/** Sends a webhook to a partner that takes it, and gives back what arrived there. */
export async function receiptOf(body: string, sending: Sending = {}, signingSecret = NEW): Promise<Receipt> {
  const partner = await startPartner((answer) => answer.writeHead(204).end());
  try {
    const sent = await send(partner.url, body, sending);
    const [received] = partner.received;
    if (received === undefined) throw new Error(`nothing arrived: ${JSON.stringify(sent)}`);
    return {
      headers: received.headers as Record<string, string>,
      body: received.body.toString(),
      received_at: new Date().toISOString(),
      signing_secret: signingSecret,
    };
  } finally {
    await partner.close();
  }
}

/** What a partner must accept. */
export async function genuineReceipts(): Promise<Receipt[]> {
  const rotating = { secret: { signing_secrets: [NEW, OLD] } };
  const plain = await receiptOf(BODIES.plain);
  return [
    plain,
    await receiptOf(BODIES.letters),
    await receiptOf(BODIES.large),
    await receiptOf(BODIES.empty),
    await receiptOf(BODIES.plain, rotating, OLD),
    await receiptOf(BODIES.plain, rotating, NEW),
    await receiptOf(BODIES.plain, { secret: { signing_secrets: [LONGEST] } }, LONGEST),
    await receiptOf('{"user":{"email":"learner@example.com"}}', { encryptedFields: ['user.email'] }),
    signedAt(plain, -298),
    signedAt(plain, 298),
  ];
}

/** Signed correctly, but with a timestamp some seconds before or after it arrives. */
function signedAt(receipt: Receipt, seconds: number): Receipt {
  const timestamp = Math.floor(Date.parse(receipt.received_at) / 1000) + seconds;
  const signature = signatureHeader([NEW], String(receipt.headers['webhook-id']), timestamp, receipt.body);
  return withHeaders(receipt, { 'webhook-timestamp': String(timestamp), 'webhook-signature': signature });
}

/** `undefined` leaves a header out. */
function withHeaders(receipt: Receipt, changes: Record<string, string | undefined>): Receipt {
  const entries = Object.entries({ ...receipt.headers, ...changes }).filter(([, value]) => value !== undefined);
  return { ...receipt, headers: Object.fromEntries(entries) as Record<string, string> };
}

/** What must be refused, each by what is wrong with it. */
export function forgeries(receipt: Receipt): Record<string, Receipt> {
  const signature = String(receipt.headers['webhook-signature']);
  const bare = signature.slice('v1,'.length);
  const headers = (changes: Record<string, string | undefined>) => withHeaders(receipt, changes);
  return {
    'a body with one byte more': { ...receipt, body: `${receipt.body} ` },
    'a body parsed and written again': { ...receipt, body: JSON.stringify(JSON.parse(receipt.body)) },
    'another id': headers({ 'webhook-id': 'wh_0000000000000000000000000000000000000000' }),
    'another time': headers({ 'webhook-timestamp': String(Number(receipt.headers['webhook-timestamp']) + 1) }),
    'over five minutes old': signedAt(receipt, -302),
    'over five minutes ahead': signedAt(receipt, 302),
    'a stranger’s secret': { ...receipt, signing_secret: STRANGER },
    'no id': headers({ 'webhook-id': undefined }),
    'no time': headers({ 'webhook-timestamp': undefined }),
    'no signature': headers({ 'webhook-signature': undefined }),
    'a time that is none': headers({ 'webhook-timestamp': 'now' }),
    'an endless time': headers({ 'webhook-timestamp': '9'.repeat(400) }),
    'a signature without its version': headers({ 'webhook-signature': bare }),
    'a version without a signature': headers({ 'webhook-signature': 'v1' }),
    'an empty signature': headers({ 'webhook-signature': 'v1,' }),
    'a signature of another version': headers({ 'webhook-signature': `v1a,${bare}` }),
    'a signature cut short': headers({ 'webhook-signature': signature.slice(0, -4) }),
    'a signature that is no base64': headers({ 'webhook-signature': `v1,${'é'.repeat(44)}` }),
  };
}
