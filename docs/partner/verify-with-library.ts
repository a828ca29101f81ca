import { Webhook, WebhookVerificationError } from 'standardwebhooks';

/** Whether a request is ours and recent. The library takes one secret at a time. */
export function isGenuine(secrets: readonly string[], headers: Record<string, string>, body: Buffer): boolean {
  const webhooks = secrets.map((secret) => new Webhook(secret));
  return webhooks.some((webhook) => {
    try {
      webhook.verify(body, headers, { jsonParse: false });
      return true;
    } catch (error) {
      if (error instanceof WebhookVerificationError) return false;
      throw error;
    }
  });
}
