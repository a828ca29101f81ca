import type { Delivery } from '../contract/delivery.ts';
import { KEPT_ANSWER_CHARACTERS, type LedgerRecord } from '../contract/ledger.ts';
import type { Claim, Ending, KeptTimer, Ledger, LedgerTable } from '../contract/ledger-ports.ts';
import type { Log } from '../contract/log.ts';
import { type Counter, METRICS } from '../contract/metrics.ts';
import { beginningOf } from '../contract/text.ts';
import type { Timer } from '../contract/timer.ts';
import { eventOf, needsNoCopy } from '../domain/ledger.ts';
import { claimWebhook } from './dynamodb/ledger-claim.ts';
import { noteUnclaimed, type Settlement, settleHeld, settleUnseen } from './dynamodb/ledger-settle.ts';
import { createAttempts } from './dynamodb/outage.ts';

export interface LedgerOptions {
  readonly table: LedgerTable;
  /** The log stream of this function: where to look for the lines of whoever claimed a webhook. */
  readonly claimedBy: string;
  readonly log: Log;
  readonly counter: Counter;
  /** Wall clock, ms. */
  now(): number;
}

/**
 * The ledger as functions see it. A table that does not answer is warned of and counted; claims are granted unseen then,
 * so that deliveries go on, at least once.
 */
export function createLedger(options: LedgerOptions): Ledger {
  const { table, log, counter, now } = options;
  const attempt = createAttempts(log, counter, now);

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

    async settle(hold, ending) {
      const { delivery, record } = hold;
      const answerKept = keepAnswer(delivery, record, ending);
      const isWritten = await attempt('settle', false, async () => {
        if (ending.progress.outcome === 'parked') await keepEvent(delivery, record);
        const settlement: Settlement =
          record === undefined ? await settleUnseen(hold, ending, options) : await settleHeld(record, ending, options);
        if (settlement === 'lost') {
          const { webhook_id, integration_id, generation } = delivery;
          const { outcome } = ending.progress;
          log.warn('ledger.lease_lost', { webhook_id, integration_id, generation, outcome });
        }
        return settlement === 'written';
      });
      await answerKept;
      return isWritten;
    },

    note: (delivery, ending) =>
      attempt('note', false, async () => {
        if (ending.progress.outcome === 'parked') await keepEvent(delivery, undefined);
        await noteUnclaimed(delivery, ending, options);
        return true;
      }),
  };
}
