import { reportIfCritical } from '../events/critical-dead.ts';
import type {
  CertificateFault,
  DecidedEnrichment,
  Delivery,
  NOT_ENRICHED_REASONS,
  TaskResult,
} from '../events/delivery.ts';
import { kindOf } from '../events/event-types/event-types.ts';
import type { DeadReason } from '../events/operational-event.ts';
import { dead, type Slot, secondRound, waiting, withOutcome } from '../events/progress.ts';
import { JITTER } from '../events/retry-timing.ts';
import { traceIdOf } from '../events/trace-context.ts';
import { type Attempt, MAX_ATTEMPT_ERROR_CHARACTERS } from '../ledger/record.ts';
import type { Integration } from '../partners/integration.ts';
import { composePayload } from '../partners/payload.ts';
import { type RetryAfterReader, throttledRetryAfterMs } from '../partners/retry-after.ts';
import { LONGEST_THROTTLING_MS, nextAttemptAt, retryPolicyOf, secondRoundAt } from '../partners/retry-policy.ts';
import type { SendResult } from '../partners/webhook-sender.ts';
import type { Log } from '../shared/log.ts';
import { type Counter, METRICS } from '../shared/metric-definitions.ts';
import { truncate } from '../shared/text.ts';
import { type ParkServices, park } from './parking.ts';
import { type SendWebhookServices, type Sent, sendWebhook } from './send-webhook.ts';

export interface AttemptDeliveryServices extends SendWebhookServices, ParkServices {
  readonly log: Log;
  readonly counter: Counter;
  readonly retryAfterMs: RetryAfterReader;
}

/** A delivery whose learning time is decided. */
export interface Ready {
  readonly delivery: Delivery;
  readonly enrichment: DecidedEnrichment;
  /** When its lease ends, in epoch milliseconds; absent if the ledger did not respond to the claim. */
  readonly notAfterMs?: number | undefined;
}

/** The state of the endpoint as shown by an attempt. `throttled`: it refused the request because of its rate. */
export type EndpointState = 'alive' | 'failing' | 'throttled' | 'gone' | 'unknown';

export interface Attempted {
  readonly result: TaskResult;
  readonly endpoint: EndpointState;
  /** Milliseconds for which the partner asks for no request; 0 for none. */
  readonly retryAfterMs: number;
  /** What was wrong with the certificate of the endpoint, or of the token server. */
  readonly certificate?: { readonly fault: CertificateFault; readonly isTokenServer: boolean };
  /** Absent if nothing could be sent. */
  readonly attempt?: Attempt;
  /** Start of a response other than 2xx. It may contain anything, so it is never logged. */
  readonly responseStart?: string;
}

/**
 * Makes one attempt: composes the body, sends it, and decides the delivery's outcome. A partner's refusal is a result; only
 * our own faults are thrown.
 *
 * @throws SecretUnavailable
 */
export async function attemptDelivery(
  { delivery, enrichment, notAfterMs }: Ready,
  integration: Integration,
  services: AttemptDeliveryServices,
): Promise<Attempted> {
  const startedAtMs = services.now();
  const attempt = delivery.progress.attempt + 1;
  const { earlier_attempts: earlierAttempts } = delivery.progress;
  const attemptOfRound = attempt - (earlierAttempts ?? 0);
  const policy = retryPolicyOf(integration, kindOf(delivery));
  const timeoutMs = policy.timeoutsMs[attemptOfRound - 1] ?? integration.timeout_seconds * 1000;
  const composed = composePayload(delivery, enrichment, integration);
  const sent: Sent =
    'fault' in composed
      ? { kind: 'unsent', reason: composed.fault }
      : await sendWebhook(
          {
            id: delivery.webhook_id,
            eventType: delivery.event_type,
            traceparent: delivery.traceparent,
            body: composed.body,
            integration,
            timeoutMs,
            notAfterMs,
          },
          services,
        );
  const endedAtMs = services.now();
  const askedMs =
    sent.kind === 'sent' && sent.verdict === 'retry' && sent.result.kind === 'responded'
      ? services.retryAfterMs(integration.id, sent.result.retryAfter, endedAtMs)
      : undefined;
  const isThrottled = wasThrottled(sent, askedMs);
  const retryAfterMs = isThrottled ? throttledRetryAfterMs(askedMs) : askedMs;
  const durationMs = endedAtMs - startedAtMs;
  const endpoint = endpointState(sent, isThrottled);
  const result = taskResult();
  logAndCount(result, sent, { delivery, enrichment, attempt, isThrottled, durationMs, endedAtMs }, services);
  return {
    result,
    endpoint,
    retryAfterMs: retryAfterMs ?? 0,
    ...(sent.kind === 'sent' &&
      sent.certificate !== undefined && {
        certificate: { fault: sent.certificate, isTokenServer: sent.request === undefined },
      }),
    ...recorded(sent, startedAtMs, durationMs),
  };

  function taskResult(): TaskResult {
    if (sent.kind === 'unsent') return dead(delivery, attempt - 1, sent.reason, 'not_sendable');
    if (sent.verdict === 'delivered') return withOutcome(delivery, attempt, 'delivered', sent.reason);
    if (sent.verdict === 'dead') return failed(sent.reason, 'refused');
    if (sent.verdict === 'gone')
      return park(delivery, { cause: 'gone', why: `${sent.reason}, the endpoint is gone` }, services);
    if (endpoint === 'throttled') return throttled(delivery, sent.reason, retryAfterMs ?? 0, services);
    const dueAt = nextAttemptAt(policy, attemptOfRound, endedAtMs, services.random, retryAfterMs);
    if (dueAt !== undefined) return withOutcome(delivery, attempt, 'retry', sent.reason, dueAt);
    return failed(
      `${attempt} ${attempt === 1 ? 'attempt' : 'attempts'} failed, the last with: ${sent.reason}`,
      'attempts_used_up',
    );
  }

  /** After a failed first round, starts a second round of attempts if the policy of the event's kind has one. */
  function failed(reason: string, deadReason: DeadReason): TaskResult {
    const secondRoundDueAt =
      earlierAttempts === undefined ? secondRoundAt(policy, endedAtMs, services.random) : undefined;
    return secondRoundDueAt === undefined
      ? dead(delivery, attempt, reason, deadReason)
      : secondRound(delivery, attempt, reason, secondRoundDueAt);
  }
}

/**
 * The outcome of an attempt that the partner's rate limiter refused: it spends none of the delivery's attempts, within
 * `LONGEST_THROTTLING_MS`. The delivery waits for at least the partner's `Retry-After`.
 */
function throttled(
  delivery: Delivery,
  reason: string,
  retryAfterMs: number,
  { now, random }: Pick<AttemptDeliveryServices, 'now' | 'random'>,
): TaskResult {
  const nowMs = now();
  const slot = throttledSlot(delivery, nowMs);
  const tooLong = throttledTooLong(delivery, reason, nowMs);
  return tooLong ?? waiting(delivery, reason, nowMs + Math.round(retryAfterMs * (1 + JITTER * random())), slot);
}

/** The slot of a delivery that back-pressure delays, without its time. */
export function throttledSlot({ progress }: Delivery, nowMs: number): Slot & { throttled_since: string } {
  return { throttled_since: progress.throttled_since ?? new Date(nowMs).toISOString() };
}

/** The end of a delivery that back-pressure has delayed for too long; undefined if it may wait. */
export function throttledTooLong(delivery: Delivery, reason: string, nowMs: number): TaskResult | undefined {
  const { attempt, throttled_since } = delivery.progress;
  if (throttled_since === undefined || nowMs - Date.parse(throttled_since) <= LONGEST_THROTTLING_MS) return undefined;
  return dead(delivery, attempt, `throttled by the partner for 72 hours, at last: ${reason}`, 'attempts_used_up');
}

/** The facts of an attempt for the ledger. */
function recorded(sent: Sent, startedAtMs: number, durationMs: number): Pick<Attempted, 'attempt' | 'responseStart'> {
  if (sent.kind === 'unsent') return {};
  const { result, verdict, reason } = sent;
  const attempt: Attempt = {
    at: new Date(startedAtMs).toISOString(),
    ...(result.kind === 'responded' && { status: result.status }),
    duration_ms: Math.max(0, Math.round(durationMs)),
    ...(verdict !== 'delivered' && {
      ...(result.kind === 'responded' && responseFacts(result)),
      error: truncate(reason, MAX_ATTEMPT_ERROR_CHARACTERS),
    }),
  };
  const responseStart = result.kind === 'responded' && verdict !== 'delivered' ? result.responseStart : undefined;
  return { attempt, ...(responseStart !== undefined && responseStart !== '' && { responseStart }) };
}

/** Facts about a response that contain none of its text. */
function responseFacts({
  contentType,
  bodyBytes,
}: Extract<SendResult, { kind: 'responded' }>): Pick<Attempt, 'content_type' | 'body_bytes'> {
  const mediaType = MEDIA_TYPE.exec(contentType?.toLowerCase() ?? '')?.[0];
  return {
    ...(contentType !== undefined && { content_type: mediaType ?? 'other' }),
    ...(bodyBytes !== undefined && { body_bytes: bodyBytes }),
  };
}

/** Media types of error pages. A header may contain anything, so other values are not recorded. */
const MEDIA_TYPE =
  /^(text\/(html|plain|xml|csv)|application\/([a-z0-9.]{1,16}\+)?(json|xml|octet-stream|soap))(?=\s*(;|$))/;

/**
 * Whether the response is back-pressure, which is no failure: 429, or 503 with a valid `Retry-After`. Without it, a 503 means
 * that the service is down.
 */
function wasThrottled(sent: Sent, askedMs: number | undefined): boolean {
  if (sent.kind === 'unsent' || sent.verdict !== 'retry' || sent.result.kind !== 'responded') return false;
  const { status } = sent.result;
  return status === 429 || (status === 503 && askedMs !== undefined);
}

/**
 * The endpoint's state after an attempt. It is unknown after a refused certificate or address, and after a token server's
 * refusal, whose `Retry-After` still applies to the integration.
 */
function endpointState(sent: Sent, isThrottled: boolean): EndpointState {
  if (sent.kind === 'unsent') return 'unknown';
  if (isThrottled) return sent.request === undefined ? 'unknown' : 'throttled';
  if (sent.verdict === 'gone') return 'gone';
  if (sent.verdict === 'retry') return 'failing';
  return sent.result.kind === 'responded' && sent.request !== undefined ? 'alive' : 'unknown';
}

/** Whether the webhook has no learning time because every query failed. */
function isFallback(enrichment: DecidedEnrichment): boolean {
  return enrichment.status === 'not_enriched' && enrichment.reason === 'warehouse_unavailable';
}

interface AttemptFacts {
  readonly delivery: Delivery;
  readonly enrichment: DecidedEnrichment;
  readonly attempt: number;
  readonly isThrottled: boolean;
  readonly durationMs: number;
  readonly endedAtMs: number;
}

/** Log levels of webhooks without learning time (requirement T10): a warning, or an error if every query failed. */
const LEVELS = {
  not_a_completion: 'info',
  flag_off: 'warn',
  no_data: 'warn',
  learner_not_identified: 'warn',
  warehouse_unavailable: 'error',
} as const satisfies Record<(typeof NOT_ENRICHED_REASONS)[number], keyof Log>;

function levelOf({ outcome }: TaskResult, enrichment: DecidedEnrichment): keyof Log {
  if (outcome === 'dead') return 'error';
  return outcome === 'delivered' && enrichment.status === 'not_enriched' ? LEVELS[enrichment.reason] : 'info';
}

/** Writes one log line per attempt, and counts its outcome in total, by integration and by kind. */
function logAndCount(
  result: TaskResult,
  sent: Sent,
  { delivery, enrichment, attempt, isThrottled, durationMs, endedAtMs }: AttemptFacts,
  { log, counter }: AttemptDeliveryServices,
): void {
  const isParked = sent.kind === 'sent' && sent.verdict === 'gone';
  const isSuccess = result.outcome === 'delivered';
  const integration = delivery.integration_id;
  // While attempts are left, back-pressure is neither a success nor a failure.
  const isBackPressure = isThrottled && result.outcome === 'retry';
  if (isThrottled) counter.count(METRICS.deliveryThrottled);
  if (!isBackPressure) {
    counter.count(isSuccess ? METRICS.deliverySuccess : METRICS.deliveryFailure, 1, { integration });
    counter.count(isSuccess ? METRICS.kindSuccess : METRICS.kindFailure, 1, { kind: kindOf(delivery) });
  }
  if (result.outcome === 'delivered') {
    const isEnriched = enrichment.status === 'enriched';
    counter.count(isEnriched ? METRICS.deliveredWithLearningTime : METRICS.deliveredWithoutLearningTime);
    // Not negative, because the publisher's clock may be ahead.
    const latencyMs = Math.max(0, endedAtMs - Date.parse(delivery.occurred_at));
    if (delivery.generation === 0 && delivery.send_at === undefined)
      counter.measure(METRICS.deliveryLatency, latencyMs);
    if (isFallback(enrichment)) counter.count(METRICS.enrichmentFallback);
  } else if (!isParked && !isBackPressure)
    counter.count(result.outcome === 'dead' ? METRICS.deliveryDead : METRICS.deliveryRetry);
  if (result.outcome === 'dead') reportIfCritical(delivery, { log, counter });
  log[levelOf(result, enrichment)]('delivery.attempted', {
    webhook_id: delivery.webhook_id,
    integration_id: delivery.integration_id,
    event_type: delivery.event_type,
    trace_id: delivery.traceparent === undefined ? undefined : traceIdOf(delivery.traceparent),
    generation: delivery.generation,
    attempt,
    outcome: result.outcome,
    response: sent.reason,
    status: sent.kind === 'sent' && sent.result.kind === 'responded' ? sent.result.status : undefined,
    response_fault: sent.kind === 'sent' && sent.result.kind === 'responded' ? sent.result.responseFault : undefined,
    duration_ms: durationMs,
    timings: sent.kind === 'sent' ? sent.result.timings : undefined,
    enrichment: enrichment.status === 'enriched' ? `enriched from ${enrichment.source}` : enrichment.reason,
    config_version: delivery.progress.config_version,
    due_at: result.outcome === 'retry' ? result.due_at : undefined,
  });
}
