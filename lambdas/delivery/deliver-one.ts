import type { Delivery, TaskResult } from '../contract/delivery.ts';
import { MalformedDelivery } from '../contract/errors.ts';
import type { Integration } from '../contract/integration.ts';
import type { Hold } from '../contract/ledger-ports.ts';
import { METRICS } from '../contract/metrics.ts';
import { executionToken } from '../domain/identity.ts';
import { asClaimed, leaseEndMs } from '../domain/ledger.ts';
import { dead, decided, waiting } from '../domain/progress.ts';
import { asleepAgain } from '../domain/sleep.ts';
import { type WaitServices, withWaitCounted } from '../domain/workflow-waits.ts';
import { type ClaimServices, claim } from './claim.ts';
import { type Entry, type FindReceiverServices, findReceiver, readEntry } from './find-receiver.ts';
import { type GatedTriesServices, type Passage, tryThroughGate } from './gated-tries.ts';
import { settle, type Told } from './settle.ts';
import { cancelled, obey, sleepOnceMore, waitNoLonger, wake } from './wake.ts';

export type DeliverOneServices = FindReceiverServices & GatedTriesServices & ClaimServices & WaitServices;

/** Who meets another function's claim comes back when that ends, but not at once, in milliseconds. */
const SOONEST_RETURN_MS = 5_000;

/**
 * One step of a delivery in the workflow: a try, or the next moment at which to wake. What the ledger says is written
 * before the workflow goes on: its execution is there already, and carries the webhook by its token.
 *
 * @throws MalformedDelivery where its learning time is not settled; ConfigurationUnavailable; SecretUnavailable
 */
export async function deliverOne(input: Delivery, services: DeliverOneServices): Promise<TaskResult> {
  // Executions that an older version started have no token of their own.
  const delivery = { ...input, token: input.token ?? executionToken({ ...input, progress: { attempt: 0 } }) };
  if (delivery.progress.enrichment.status === 'pending') throw new MalformedDelivery('its enrichment is not settled');
  const woken = await wake(delivery, services);
  if (woken.waking.to === 'leave') return cancelled(delivery, woken.waking.reason, services);
  const entry = await readEntry(delivery, services);
  const claimed = await claim(delivery, entry.integration, services);
  if (claimed.verdict === 'busy') {
    const dueAtMs = Math.max(claimed.untilMs, services.now() + SOONEST_RETURN_MS);
    return withWaitCounted(delivery, waiting(delivery, 'another function has it in hand', dueAtMs), services);
  }
  if (claimed.verdict === 'done') {
    const { givenUp } = claimed;
    // A function was killed before the workflow had its result: the dead letter is still to be sent.
    if (givenUp) return dead(asClaimed(delivery, givenUp), givenUp.attempt, givenUp.reason ?? 'unknown');
    // Else the one that carries it has yet to wake by this timer.
    if (claimed.state !== 'scheduled' && claimed.state !== 'parked') await waitNoLonger(delivery, woken, services);
    return decided(delivery, delivery.progress.attempt, 'duplicate', `the ledger says: ${claimed.state}`);
  }
  const { hold } = claimed;
  const reached = (await obey(hold, woken, services)) ?? (await deliver(hold, entry, services));
  const told = { ...reached, result: withWaitCounted(hold.delivery, reached.result, services) };
  await sleepOnceMore(hold, told, woken, services);
  return leave(hold, told, delivery.token, services);
}

async function deliver(hold: Hold, entry: Entry, services: DeliverOneServices): Promise<Told> {
  const receiver = findReceiver(hold.delivery, entry, services);
  return 'result' in receiver ? receiver : tryOnce(hold, receiver.integration, services);
}

async function tryOnce(
  { delivery, record }: Hold,
  integration: Integration,
  services: DeliverOneServices,
): Promise<Told> {
  const { enrichment } = delivery.progress;
  if (enrichment.status === 'pending') throw new MalformedDelivery('its enrichment is not settled');
  const ready = { delivery, enrichment, notAfterMs: record && leaseEndMs(record) };
  const { passages, reported } = await tryThroughGate(integration, [ready], services, false);
  await reported;
  const passage = await (passages[0] as Promise<Passage>);
  if (passage.to === 'settled') return passage;
  if (passage.to === 'workflow') throw new MalformedDelivery('it is in the workflow already');
  services.counter.count(METRICS.deliveryDeferred);
  return { result: waiting(delivery, passage.reason, passage.atMs, passage.reservedForMs) };
}

/** Writes down what became of it. What the ledger cannot hold sleeps on in its execution. */
async function leave(hold: Hold, told: Told, token: string, services: DeliverOneServices): Promise<TaskResult> {
  const { result } = told;
  const isUnfinished = result.outcome === 'retry' || result.outcome === 'dead';
  const isWritten = await settle(hold, told, isUnfinished ? token : undefined, services);
  if (result.outcome !== 'parked' || isWritten) return result;
  const parking = { cause: result.parked_for ?? 'paused', why: 'the ledger does not answer' } as const;
  const asleep = asleepAgain(hold.delivery, parking, services.now(), services.random);
  const counted = withWaitCounted(hold.delivery, asleep, services);
  await settle(hold, { result: counted }, token, services);
  return counted;
}
