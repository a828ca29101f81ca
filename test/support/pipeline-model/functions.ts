import type { Delivery, TaskResult } from '../../../lambdas/contract/delivery.ts';
import type { LedgerRecord } from '../../../lambdas/contract/ledger.ts';
import type { Claim } from '../../../lambdas/contract/ledger-ports.ts';
import type { UnsettledOutcome } from '../../../lambdas/contract/unsettled-outcome.ts';
import { messageToken } from '../../../lambdas/domain/identity.ts';
import { decideLate, factsOf } from '../../../lambdas/domain/late-outcome.ts';
import { asClaimed, decideClaim, leaseEndMs, leaseMs, settled } from '../../../lambdas/domain/ledger.ts';
import { dead, decided, waiting } from '../../../lambdas/domain/progress.ts';
import { type Answer, type Execution, type Invocation, type Message, SECOND, type Steps, type World } from './world.ts';

/** Tries at the partner. */
const MAX_TRIES = 3;
const RETRY_MS = 60 * SECOND;
const DEFERRAL_SECONDS = 30;
/** How long a message is hidden from others once it was received. */
export const HIDDEN_MS = 180 * SECOND;

interface Held {
  readonly delivery: Delivery;
  /** Undefined: claimed while the table did not respond. */
  readonly record: LedgerRecord | undefined;
}
type Claimed = Exclude<Claim, { verdict: 'mine' }> | { readonly verdict: 'mine'; readonly hold: Held };

/** Reads the record, and writes what was decided: others may have done the same in between. */
function* claim(delivery: Delivery, world: World): Steps<Claimed> {
  const unseen: Claimed = { verdict: 'mine', hold: { delivery, record: undefined } };
  for (let round = 0; round < 4; round += 1) {
    if (world.mode() !== 'up') return unseen;
    const standing = world.records.get(delivery.webhook_id);
    yield;
    const decision = decideClaim(standing, delivery, { ms: leaseMs(0), claimedBy: 'somebody' }, world.nowMs);
    if (decision.verdict !== 'mine') return decision;
    const { record } = decision;
    if (world.mode() === 'failed') return unseen;
    if (world.mode() === 'lost') {
      world.replace(record);
      return unseen;
    }
    if (world.replace(record)) return { verdict: 'mine', hold: { delivery: asClaimed(delivery, record), record } };
  }
  return { verdict: 'busy', untilMs: world.nowMs };
}

/** Asks the gate, then the partner. No request outlives its lease. @returns what comes of it, untried where it says why */
function* tryOnce({ delivery, record }: Held, run: Invocation, world: World): Steps<TaskResult | 'limited' | 'slow'> {
  const admission = yield;
  if (admission === 'limited' || admission === 'slow') return admission;
  const { webhook_id: webhookId } = delivery;
  const isUnseen = record === undefined;
  const endMs = isUnseen ? Number.POSITIVE_INFINITY : leaseEndMs(record);
  const attempt = delivery.progress.attempt + 1;
  let answer: Answer = 'unavailable';
  if (world.nowMs < endMs) {
    if (!isUnseen) world.beginRequest(webhookId, endMs);
    const given = yield;
    if (world.nowMs < endMs) {
      answer = given;
      world.endRequest(webhookId, answer, isUnseen);
    }
  }
  if (answer === 'delivered') run.unknown = webhookId;
  yield;
  if (answer === 'delivered') return decided(delivery, attempt, 'delivered', answer);
  if (answer === 'refused' || attempt >= MAX_TRIES) return dead(delivery, attempt, answer);
  return decided(delivery, attempt, 'retry', answer, new Date(world.nowMs + RETRY_MS));
}

/** @returns whether it is written, or queued */
function settle(hold: Held, result: TaskResult, token: string | undefined, run: Invocation, world: World): boolean {
  const { delivery, record } = hold;
  const isLate = record !== undefined && leaseEndMs(record) <= world.nowMs;
  if (run.unknown !== undefined && isLate) world.allowAnother(run.unknown);
  run.unknown = undefined;
  const { redrive: _, ...progress } = result;
  const at = new Date(world.nowMs).toISOString();
  const ending = { progress, attempt: { at, duration_ms: 1 }, ...(token !== undefined && { token }) };
  const outcome: UnsettledOutcome = {
    ...{ schema_version: 1, at, delivery: factsOf(delivery), ending },
    hold: record === undefined ? { kind: 'unseen' } : { kind: 'claimed', record },
  };
  if (world.mode() === 'up' && record !== undefined) return world.replace(settled(record, ending, world.nowMs));
  if (world.mode() === 'lost' && record !== undefined) world.replace(settled(record, ending, world.nowMs));
  if (world.mode() === 'up' && settleLate(outcome, world.records.get(delivery.webhook_id), world) !== 'later')
    return true;
  world.tell(`outcome queued: ${delivery.webhook_id} ${progress.outcome}`);
  world.outcomes.push({ body: outcome, visibleAtMs: world.nowMs });
  return true;
}

function settleLate(outcome: UnsettledOutcome, standing: LedgerRecord | undefined, world: World): 'done' | 'later' {
  const decision = decideLate(standing, outcome, 'settler', world.nowMs);
  if (decision.to === 'wait') return 'later';
  if (decision.to !== 'write') {
    world.tell(`outcome ${decision.to}: ${outcome.delivery.webhook_id} ${outcome.ending.progress.outcome}`);
    if (outcome.ending.progress.outcome === 'delivered') world.forget(outcome.delivery.webhook_id);
    return 'done';
  }
  return world.replace(decision.record) ? 'done' : 'later';
}

/** SettleOutcomes with one message, which may come again, and in any order. */
export function settleOutcome(message: Message<UnsettledOutcome>, world: World): Invocation {
  message.visibleAtMs = world.nowMs + HIDDEN_MS;
  return { who: 'SettleOutcomes', endMs: world.nowMs + 30 * SECOND, steps: steps() };

  function* steps(): Steps<void> {
    if (world.mode() !== 'up') return;
    const standing = world.records.get(message.body.delivery.webhook_id);
    yield;
    if (world.mode() === 'failed') return;
    const isDone = settleLate(message.body, standing, world) === 'done';
    if (!isDone || world.mode() !== 'up') return;
    yield;
    const at = world.outcomes.indexOf(message);
    if (at !== -1) world.outcomes.splice(at, 1);
  }
}

/** DeliverBatch with one message. What carries it on, or its letter, exists before the ledger says so. */
export function deliverBatch(message: Message<Delivery>, world: World): Invocation {
  message.visibleAtMs = world.nowMs + HIDDEN_MS;
  const run: Invocation = { who: 'DeliverBatch', endMs: world.nowMs + 30 * SECOND, steps: steps() };
  return run;

  function* steps(): Steps<void> {
    const claimed = yield* claim(message.body, world);
    if (claimed.verdict === 'busy') return;
    if (claimed.verdict === 'mine') yield* deliver(claimed.hold);
    yield;
    const at = world.messages.indexOf(message);
    if (at !== -1) world.messages.splice(at, 1);
  }

  function* deliver(hold: Held): Steps<void> {
    const { delivery } = hold;
    const result = yield* tryOnce(hold, run, world);
    if (result === 'limited') return yield* defer(hold);
    if (result === 'slow') return yield* carryOn(hold, waiting(delivery, 'it is slow', world.nowMs + SECOND));
    if (result.outcome === 'retry') return yield* carryOn(hold, result);
    if (result.outcome === 'dead') {
      world.bury(delivery, result);
      yield;
    }
    settle(hold, result, undefined, run, world);
  }

  function* carryOn(hold: Held, result: TaskResult): Steps<void> {
    const token = world.start({ ...hold.delivery, progress: result });
    yield;
    settle(hold, result, token, run, world);
  }

  function* defer(hold: Held): Steps<void> {
    const { delivery } = hold;
    const deferrals = (delivery.progress.deferrals ?? 0) + 1;
    const progress = { ...waiting(delivery, 'limited', world.nowMs + DEFERRAL_SECONDS * SECOND), deferrals };
    const token = messageToken({ ...delivery, progress });
    world.send({ ...delivery, token, progress }, DEFERRAL_SECONDS);
    yield;
    settle(hold, progress, token, run, world);
  }
}

/** DeliverTask, and what the state machine makes of its result. The workflow calls a killed task again. */
export function deliverTask(execution: Execution, world: World): Invocation {
  execution.state = 'awake';
  const who = `execution ${execution.token}`;
  const afterKill = () => sleep(world.nowMs + 2 * SECOND);
  const run: Invocation = { who, endMs: world.nowMs + 330 * SECOND, steps: steps(), afterKill };
  return run;

  function* steps(): Steps<void> {
    const { delivery, token } = execution;
    const claimed = yield* claim(delivery, world);
    if (claimed.verdict === 'busy') return sleep(Math.max(claimed.untilMs, world.nowMs + 5 * SECOND));
    if (claimed.verdict === 'done') {
      const { givenUp, state } = claimed;
      if (givenUp !== undefined) return goOn(delivery, dead(asClaimed(delivery, givenUp), givenUp.attempt, state));
      return goOn(delivery, decided(delivery, 0, 'duplicate', state));
    }
    const { hold } = claimed;
    const tried = yield* tryOnce(hold, run, world);
    const result = typeof tried === 'string' ? waiting(hold.delivery, tried, world.nowMs + RETRY_MS) : tried;
    settle(hold, result, ['retry', 'dead'].includes(result.outcome ?? '') ? token : undefined, run, world);
    yield;
    goOn(hold.delivery, result);
  }

  function goOn(delivery: Delivery, result: TaskResult): void {
    const { redrive, ...progress } = result;
    execution.delivery = { ...execution.delivery, progress };
    if (redrive !== undefined) world.bury(delivery, result);
    if (progress.outcome !== 'retry') execution.state = 'closed';
    else sleep(Date.parse(progress.due_at as string));
    world.tell(`${who}: goes on with ${progress.outcome}`);
  }

  function sleep(dueAtMs: number): void {
    execution.state = 'asleep';
    execution.dueAtMs = dueAtMs;
  }
}
