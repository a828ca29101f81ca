import { randomUUID } from 'node:crypto';
import { describeValidity } from '../partners/certificate-expiry.ts';
import { CERTIFICATE_KEYS, type CertificatePair, clientCertificateOf } from '../partners/client-certificate.ts';
import type { Integration } from '../partners/integration.ts';
import { TEST_EVENT_TYPE, testPayload } from '../partners/test-event.ts';
import { sendTestEnvironment } from '../shared/environment.ts';
import { errorName, PipelineError } from '../shared/errors.ts';
import { createHandler } from '../shared/handler.ts';
import { createSendingServices, uncachedSecrets } from './delivery-services.ts';
import type { FindReceiverServices } from './find-receiver.ts';
import { type SendTestReport, sendTestRequestSchema } from './send-test-contract.ts';
import { type SendWebhookServices, type Sent, sendWebhook, type Webhook } from './send-webhook.ts';

/** Called by `./ltw send-test`: sends one signed test event from the same addresses as webhooks. */
export const handler = createHandler({
  environment: sendTestEnvironment,
  createServices: (start) => ({ ...createSendingServices(start), secretOf: uncachedSecrets(start), newId: randomUUID }),
  handle: testIntegration,
});

export interface TestIntegrationServices extends SendWebhookServices, Pick<FindReceiverServices, 'integrations'> {
  /** A UUID. */
  newId(): string;
}

/** Longest wait for the partner, in milliseconds: within the function's 60 s for any integration's timeout. */
const TEST_TIMEOUT_MS = 30_000;

/**
 * Sends one signed test event and reports the result. The integration may be inactive or paused, because it is tested before it
 * is activated. Faults of the integration are reported and not thrown.
 */
export async function testIntegration(input: unknown, services: TestIntegrationServices): Promise<SendTestReport> {
  const request = sendTestRequestSchema.safeParse(input);
  if (!request.success) return unsent('', 'the request names no integration: expected {"integration_id": "…"}');
  const { integration_id: id, client_certificate: pair } = request.data;
  const registry = await services.integrations.read();
  if (registry === undefined) return unsent(id, 'the integrations cannot be read from AppConfig');
  const integration = registry.byId.get(id);
  if (integration === undefined) {
    const fault = registry.broken.get(id)?.reason;
    return unsent(id, fault === undefined ? `no integration has the id ${id}` : `its entry does not fit: ${fault}`);
  }
  if (pair === 'next' && !integration.client_certificate) {
    return unsent(id, 'its entry presents no client certificate: client_certificate is not true');
  }
  // The prefix distinguishes it from the ids of real webhooks, also in a partner's log.
  const webhookId = `wh_test_${services.newId().replaceAll('-', '')}`;
  const body = testPayload(integration, new Date(services.now()).toISOString());
  const timeoutMs = Math.min(integration.timeout_seconds * 1000, TEST_TIMEOUT_MS);
  try {
    const certificate = await certificateDates(integration, pair, services);
    const webhook: Webhook = { id: webhookId, eventType: TEST_EVENT_TYPE, body, integration, timeoutMs, pair };
    return { ...report(id, webhookId, body, await sendWebhook(webhook, services)), ...certificate };
  } catch (thrown) {
    return unsent(id, thrown instanceof PipelineError ? thrown.message : errorName(thrown));
  }
}

/**
 * The dates of the certificate that the integration presents.
 *
 * @returns nothing if it presents none, or its pair is not usable. @throws SecretUnavailable, SecretUnusable
 */
async function certificateDates(
  integration: Integration,
  pair: CertificatePair,
  services: TestIntegrationServices,
): Promise<Pick<SendTestReport, 'client_certificate'>> {
  if (!integration.client_certificate) return {};
  const secret = await services.secretOf(integration.id).read();
  const certificate = clientCertificateOf(integration.id, secret, pair);
  if ('instead' in certificate) return {};
  const fault = describeValidity(certificate, CERTIFICATE_KEYS[pair].chain, services.now());
  const expires_at = new Date(certificate.expiresAtMs).toISOString();
  return { client_certificate: { pair, expires_at, ...(fault !== undefined && { fault }) } };
}

function unsent(integrationId: string, reason: string): SendTestReport {
  const nothing = { webhook_id: '', webhook_timestamp: '', webhook_signature: '', body: '' };
  return { integration_id: integrationId, ...nothing, verdict: 'unsent', reason };
}

function report(integrationId: string, webhookId: string, body: string, sent: Sent): SendTestReport {
  if (sent.kind === 'unsent') return unsent(integrationId, sent.reason);
  const { result, verdict, reason, request, tokenRefusal: { error, setting } = {} } = sent;
  const response = result.kind === 'responded' ? { status: result.status } : { code: result.code };
  const fault = result.kind === 'responded' ? result.responseFault : undefined;
  const start = result.kind === 'responded' && request !== undefined ? result.responseStart : undefined;
  return {
    integration_id: integrationId,
    webhook_id: webhookId,
    webhook_timestamp: request?.timestamp ?? '',
    webhook_signature: request?.signature ?? '',
    body: request?.body ?? body,
    verdict,
    reason,
    ...response,
    ...(error !== undefined && { token_error: error }),
    ...(setting !== undefined && { token_setting: setting }),
    ...(fault !== undefined && { response_fault: fault }),
    ...(result.timings !== undefined && { timings: result.timings }),
    ...(start !== undefined && { response_start: start }),
  };
}
