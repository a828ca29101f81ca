import type { Delivery } from '../contract/delivery.ts';
import { KEPT_ANSWER_CHARACTERS, type LedgerRecord } from '../contract/ledger.ts';
import type { Claim, Ending, KeptTimer, Ledger, LedgerTable } from '../contract/ledger-ports.ts';
import type { Log } from '../contract/log.ts';
import { type Counter, METRICS } from '../contract/metrics.ts';
import { beginningOf } from '../contract/text.ts';
import type { Timer } from '../contract/timer.ts';
import type { UnsettledOutcome } from '../contract/unsettled-outcome.ts';
import type { BreakerLimits } from '../domain/circuit-breaker.ts';
import { factsOf } from '../domain/late-outcome.ts';
import { eventOf, leaseEndMs, needsNoCopy } from '../domain/ledger.ts';
import { claimWebhook } from './dynamodb/ledger-claim.ts';
import { noteUnclaimed, settleHeld, settleLate } from './dynamodb/ledger-settle.ts';
import { createAttempts } from './dynamodb/outage.ts';

export interface LedgerOptions {
  readonly table: LedgerTable;
  /** The log stream of this function: where to look for the lines of whoever claimed a webhook. */
  readonly claimedBy: string;
  readonly log: Log;
  readonly counter: Counter;
  /** When the table is left alone. */
  readonly breaker: BreakerLimits;
  /** Sends an outcome to the outcomes queue. Never throws. @returns whether SQS took it */
  queueOutcome(outcome: UnsettledOutcome): Promise<boolean>;
  /** Wall clock, ms. */
  now(): number;
  random(): number;
}

/**
 * The ledger as functions see it. A table that does not respond is warned of and counted; claims are granted unseen then,
 * so that deliveries go on, at least once. Outcomes go to a queue, and are settled when the table responds again.
 */
export function createLedger(options: LedgerOptions): Ledger {
  const { table, log, counter, now } = options;
  const attempt = createAttempts(options);

  /** What a webhook that rests in the ledger needs: its acceptance may have failed, and nobody else carries it. */
  async function keepEvent(delivery: Delivery, record: LedgerRecord | undefined): Promise<void> {
    const acceptedAt = delivery.accepted_at ?? record?.accepted_at;
    await table.keepEvents([
      eventOf(acceptedAt === undefined ? delivery : { ...delivery, accepted_at: acceptedAt }, now()),
    ]);
  }

  async function keepAnswer(delivery: Delivery, record: LedgerRecord | undefined, { answerStart, progress }: Ending) {
    if (answerStart === undefined || progress.outcome === 'delivered') return;
    const acceptedAt = record?.accepted_at ?? delivery.accepted_at ?? new Date(now()).toISOString();
    const kept = beginningOf(answerStart, KEPT_ANSWER_CHARACTERS);
    await attempt('keepAnswer', undefined, () => table.keepAnswer(delivery.webhook_id, acceptedAt, kept));
  }

  /** What rests in the ledger needs its event there; a caller that is refused lets an execution carry it. */
  async function leaveToQueue(outcome: UnsettledOutcome): Promise<boolean> {
    if (outcome.ending.progress.outcome === 'parked') return false;
    const isTaken = await options.queueOutcome(outcome);
    counter.count(isTaken ? METRICS.outcomeQueued : METRICS.outcomeLost);
    if (!isTaken) {
      const { webhook_id, integration_id, generation } = outcome.delivery;
      const fields = { webhook_id, integration_id, generation, outcome: outcome.ending.progress.outcome };
      log.error('ledger.outcome_lost', fields);
    }
    return isTaken;
  }

  return {
    async accept(subjects) {
      const unique = new Map(subjects.map((subject) => [subject.webhook_id, subject]));
      const records = await attempt<ReadonlyMap<string, LedgerRecord> | undefined>('accept', undefined, () =>
        table.records([...unique.keys()]),
      );
      const known = new Map([...(records ?? [])].filter(([, record]) => needsNoCopy(record)));
      const events = [...unique.values()]
        .filter(({ webhook_id }) => !known.has(webhook_id))
        .map((subject) => eventOf(subject, now()));
      if (events.length > 0) await attempt('accept', undefined, () => table.keepEvents(events));
      return records && known;
    },

    timers: (keys) => attempt<ReadonlyMap<string, Timer> | undefined>('timers', undefined, () => table.timers(keys)),

    keepTimer: (timer) =>
      attempt<KeptTimer>('keepTimer', 'unreached', async () => ((await table.keepTimer(timer)) ? 'kept' : 'refused')),

    async claim(delivery, leaseMs) {
      const unseen: Claim = { verdict: 'mine', hold: { delivery, record: undefined } };
      const claim = await attempt('claim', unseen, () => claimWebhook(delivery, leaseMs, options));
      const { webhook_id, integration_id, generation } = delivery;
      if (claim.verdict === 'done') {
        counter.count(METRICS.deliveryDuplicate);
        log.info('delivery.duplicate', { webhook_id, integration_id, generation, state: claim.state });
      }
      if (claim.verdict === 'busy') {
        const until = new Date(claim.untilMs).toISOString();
        log.info('delivery.busy', { webhook_id, integration_id, generation, until });
      }
      return claim;
    },

    async settle({ delivery, record }, ending) {
      const answerKept = keepAnswer(delivery, record, ending);
      const atMs = now();
      const unsettled = unsettledOf(delivery, ending, atMs, record);
      const settlement = await attempt('settle', 'unwritten' as const, async () => {
        if (ending.progress.outcome === 'parked') await keepEvent(delivery, record);
        // Past its lease a claim says nothing of how the record stands: another function may have taken the delivery over.
        const isHeld = record !== undefined && (leaseEndMs(record) > atMs || ending.progress.outcome !== 'delivered');
        return isHeld ? settleHeld(record, ending, atMs, options) : settleLate(unsettled, options);
      });
      if (settlement === 'lost') {
        const { webhook_id, integration_id, generation } = delivery;
        const { outcome } = ending.progress;
        log.warn('ledger.lease_lost', { webhook_id, integration_id, generation, outcome });
      }
      const isLeft = settlement === 'unwritten' || settlement === 'busy';
      const isRecorded = settlement === 'written' || (isLeft && (await leaveToQueue(unsettled)));
      await answerKept;
      return isRecorded;
    },

    async note(delivery, ending) {
      const atMs = now();
      const isWritten = await attempt('note', false, async () => {
        await noteUnclaimed(delivery, ending, atMs, options);
        return true;
      });
      return isWritten || leaveToQueue(unsettledOf(delivery, ending, atMs, 'unclaimed'));
    },
  };
}

function unsettledOf(
  delivery: Delivery,
  { progress, token, attempt }: Ending,
  atMs: number,
  record: LedgerRecord | 'unclaimed' | undefined,
): UnsettledOutcome {
  const hold =
    record === 'unclaimed'
      ? ({ kind: 'unclaimed' } as const)
      : record === undefined
        ? ({ kind: 'unseen' } as const)
        : ({ kind: 'claimed', record } as const);
  return {
    schema_version: 1,
    at: new Date(atMs).toISOString(),
    delivery: factsOf(delivery),
    hold,
    ending: { progress, ...(token !== undefined && { token }), ...(attempt !== undefined && { attempt }) },
  };
}
