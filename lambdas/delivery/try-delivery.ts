import type { Delivery, SettledEnrichment, TaskResult } from '../contract/delivery.ts';
import type { WebhookSender } from '../contract/delivery-ports.ts';
import type { Integration } from '../contract/integration.ts';
import type { Log } from '../contract/log.ts';
import { type Counter, METRICS } from '../contract/metrics.ts';
import { classify } from '../domain/outcome.ts';
import { composeBody } from '../domain/payload.ts';
import { dead, decided } from '../domain/progress.ts';
import { deliveryDueAt } from '../domain/retry-timing.ts';

export interface TryDeliveryServices {
  readonly sender: WebhookSender;
  readonly log: Log;
  readonly counter: Counter;
  now(): number;
  random(): number;
}

/** Sent with every webhook; the version is that of the contract, not of the code. */
const USER_AGENT = 'learning-time-webhooks/1';

/**
 * One try: composes the body, sends it, and says what becomes of the delivery. A partner's refusal is a result; what is
 * thrown is a fault of ours.
 */
export async function tryDelivery(
  delivery: Delivery,
  enrichment: SettledEnrichment,
  integration: Integration,
  services: TryDeliveryServices,
): Promise<TaskResult> {
  const startedAtMs = services.now();
  const result = await services.sender.send({
    url: integration.url,
    headers: {
      'content-type': 'application/json',
      'user-agent': USER_AGENT,
      'webhook-id': delivery.webhook_id,
    },
    body: composeBody(delivery.payload, enrichment),
    timeoutMs: integration.timeout_seconds * 1000,
  });
  const { verdict, reason } = classify(result);
  const attempt = delivery.progress.attempt + 1;
  const next = conclude(delivery, attempt, verdict, reason, services);
  count(next, enrichment, services.counter);
  services.log[next.outcome === 'dead' ? 'error' : 'info']('delivery.attempted', {
    webhook_id: delivery.webhook_id,
    integration_id: delivery.integration_id,
    event_type: delivery.event_type,
    generation: delivery.generation,
    attempt,
    outcome: next.outcome,
    answer: reason,
    status: result.kind === 'answered' ? result.status : undefined,
    duration_ms: services.now() - startedAtMs,
    enrichment: enrichment.status === 'enriched' ? `enriched from ${enrichment.source}` : enrichment.reason,
    due_at: next.outcome === 'retry' ? next.due_at : undefined,
  });
  return next;
}

function conclude(
  delivery: Delivery,
  attempt: number,
  verdict: 'delivered' | 'retry' | 'dead',
  reason: string,
  { now, random }: TryDeliveryServices,
): TaskResult {
  if (verdict === 'dead') return dead(delivery, attempt, reason);
  if (verdict === 'delivered') return decided(delivery, attempt, 'delivered', reason);
  const dueAt = deliveryDueAt(now(), attempt, random);
  if (dueAt === undefined) return dead(delivery, attempt, `${attempt} tries failed, the last with: ${reason}`);
  return decided(delivery, attempt, 'retry', reason, dueAt);
}

function count(next: TaskResult, enrichment: SettledEnrichment, counter: Counter) {
  if (next.outcome === 'retry') counter.count(METRICS.deliveryRetry);
  else if (next.outcome === 'dead') counter.count(METRICS.deliveryDead);
  else if (enrichment.status === 'enriched') counter.count(METRICS.deliveredWithLearningTime);
  else counter.count(METRICS.deliveredWithoutLearningTime);
}
