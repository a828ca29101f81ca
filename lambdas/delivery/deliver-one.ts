import type { Delivery, TaskResult } from '../events/delivery.ts';
import { executionToken } from '../events/identity.ts';
import { dead, waiting, withOutcome } from '../events/progress.ts';
import { type WaitServices, withWaitCounted } from '../events/workflow-waits.ts';
import type { Lease, Ledger } from '../ledger/ports.ts';
import { asClaimed, leaseEndMs, leaseMs } from '../ledger/transitions.ts';
import { InputInvalid } from '../shared/errors.ts';
import { METRICS } from '../shared/metric-definitions.ts';
import { cancelled, followTimer, readTimer, reschedule, unschedule } from './delivery-timer.ts';
import { type FindReceiverServices, findReceiver, type IntegrationLookup, lookUpIntegration } from './find-receiver.ts';
import { attemptWithinLimits, type LimitedAttemptsServices, type LimitedOutcome } from './limited-attempts.ts';
import { parkedWithoutLedger } from './parking.ts';
import { type DeliveryOutcome, settle } from './settle.ts';

export interface DeliverOneServices extends FindReceiverServices, LimitedAttemptsServices, WaitServices {
  readonly ledger: Ledger;
}

/** Shortest wait for another function's lease to end, in milliseconds. */
const MIN_CLAIM_WAIT_MS = 5_000;

/**
 * Makes one step of a delivery in the workflow: an attempt, or the due time of the next step. The outcome is in the ledger
 * before the workflow continues: its execution exists already, and carries the delivery by its token.
 *
 * @throws InputInvalid if the learning time is not decided; ConfigurationUnavailable; SecretUnavailable
 */
export async function deliverOne(input: Delivery, services: DeliverOneServices): Promise<TaskResult> {
  // Executions that an older version started have no token in their input.
  const delivery = { ...input, token: input.token ?? executionToken({ ...input, progress: { attempt: 0 } }) };
  if (delivery.progress.enrichment.status === 'pending') throw new InputInvalid('its enrichment is not decided');
  const timer = await readTimer(delivery, services);
  if (timer.decision.to === 'leave') return cancelled(delivery, timer.decision.reason, services);
  const lookup = await lookUpIntegration(delivery, services);
  const timeoutMs = (lookup.integration?.timeout_seconds ?? 0) * 1000;
  const claimed = await services.ledger.claim(delivery, leaseMs(timeoutMs));
  if (claimed.verdict === 'busy') {
    const dueAtMs = Math.max(claimed.untilMs, services.now() + MIN_CLAIM_WAIT_MS);
    return withWaitCounted(delivery, waiting(delivery, 'another function has claimed it', dueAtMs), services);
  }
  if (claimed.verdict === 'done') {
    const { deadRecord } = claimed;
    // The function was killed before it returned its result, so the dead-letter message must still be sent.
    if (deadRecord) return dead(asClaimed(delivery, deadRecord), deadRecord.attempt, deadRecord.reason ?? 'unknown');
    // If the delivery is scheduled or parked, another carrier still needs this timer.
    if (claimed.state !== 'scheduled' && claimed.state !== 'parked') await unschedule(delivery, timer, services);
    return withOutcome(delivery, delivery.progress.attempt, 'duplicate', `the ledger says: ${claimed.state}`);
  }
  const { lease } = claimed;
  const reached = (await followTimer(lease.delivery, timer, services)) ?? (await deliver(lease, lookup, services));
  const outcome = { ...reached, result: withWaitCounted(lease.delivery, reached.result, services) };
  await reschedule(lease.delivery, outcome, timer, services);
  return record(lease, outcome, delivery.token, services);
}

async function deliver(
  lease: Lease,
  lookup: IntegrationLookup,
  services: DeliverOneServices,
): Promise<DeliveryOutcome> {
  const { delivery, record } = lease;
  const receiver = findReceiver(delivery, lookup, services);
  if ('result' in receiver) return receiver;
  const { enrichment } = delivery.progress;
  if (enrichment.status === 'pending') throw new InputInvalid('its enrichment is not decided');
  const ready = { delivery, enrichment, notAfterMs: record && leaseEndMs(record) };
  const { outcomes, reported } = await attemptWithinLimits(receiver.integration, [ready], services, false);
  await reported;
  const outcome = await (outcomes[0] as Promise<LimitedOutcome>);
  if (outcome.to === 'settle') return outcome;
  if (outcome.to === 'workflow') throw new InputInvalid('it is in the workflow already');
  services.counter.count(METRICS.deliveryDeferred);
  const { reason, atMs, slot, attempted } = outcome;
  return { result: waiting(delivery, reason, atMs, slot), attempted };
}

/** Settles a step. A delivery that cannot be parked in the ledger keeps waiting in its execution. */
async function record(lease: Lease, outcome: DeliveryOutcome, token: string, services: DeliverOneServices) {
  const { result } = outcome;
  const isUnfinished = result.outcome === 'retry' || result.outcome === 'dead';
  const isRecorded = await settle(lease, outcome, isUnfinished ? token : undefined, services);
  if (result.outcome !== 'parked' || isRecorded) return result;
  const parked = parkedWithoutLedger(lease.delivery, result.parked_for, services);
  const waitingResult = withWaitCounted(lease.delivery, parked, services);
  await settle(lease, { result: waitingResult }, token, services);
  return waitingResult;
}
