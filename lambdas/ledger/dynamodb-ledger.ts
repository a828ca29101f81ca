import type * as z from 'zod';
import type { Delivery } from '../events/delivery.ts';
import { deadLettered, type OperationalEvents } from '../events/operational-event.ts';
import { openClient } from '../shared/aws-clients.ts';
import type { ledgerEnvironment } from '../shared/environment.ts';
import type { ClientWaits } from '../shared/io-deadlines.ts';
import { METRICS } from '../shared/metric-definitions.ts';
import { DYNAMODB, SignedClient } from '../shared/signed-client.ts';
import { truncate } from '../shared/text.ts';
import { factsOf } from './late-outcome.ts';
import type { Claim, DeliveryTable, Ledger, Settlement, TimerResult } from './ports.ts';
import { type LedgerRecord, RESPONSE_START_CHARACTERS } from './record.ts';
import { claimDelivery, settleClaimed, settleLate } from './table/claim-and-settle.ts';
import { createDeliveryTable } from './table/ledger-table.ts';
import type { CallDynamoDb, ItemsAddress } from './table/table-calls.ts';
import { createTableGuard, type TableGuardOptions } from './table/table-guard.ts';
import type { Timer } from './timer.ts';
import { eventOf, leaseEndMs, needsNoCopy } from './transitions.ts';
import type { UnsettledOutcome } from './unsettled-outcome.ts';

export interface LedgerOptions extends TableGuardOptions {
  readonly table: DeliveryTable;
  /** This function's log stream, where an operator finds the log lines of its claims. */
  readonly claimedBy: string;
  /** Sends an outcome to the outcomes queue. Never throws. @returns whether SQS accepted it */
  queueOutcome(outcome: UnsettledOutcome): Promise<boolean>;
  /** Absent for functions that dead-letter no delivery. */
  readonly events?: OperationalEvents;
}

/** The items of the ledger's table, by signed requests (decision 0031). */
export function openItems(environment: z.infer<typeof ledgerEnvironment>, waits: ClientWaits): ItemsAddress {
  const client = openClient(SignedClient, waits, {
    service: DYNAMODB,
    region: environment.AWS_REGION,
    endpoint: environment.AWS_ENDPOINT_URL_DYNAMODB,
  });
  return {
    call: ((operation, input) => client.send({ operation, input })) as CallDynamoDb,
    tableName: environment.LEDGER_TABLE_NAME,
  };
}

/** The ledger of a function, configured by its environment. */
export function openLedger(
  environment: z.infer<typeof ledgerEnvironment>,
  {
    items,
    ...services
  }: { readonly items: ItemsAddress } & Pick<LedgerOptions, 'queueOutcome' | 'events' | 'log' | 'counter'>,
): Ledger {
  return createLedger({
    ...services,
    table: createDeliveryTable({
      ...items,
      payloadDays: environment.LEDGER_PAYLOAD_DAYS,
      factsDays: environment.LEDGER_FACTS_DAYS,
    }),
    claimedBy: environment.AWS_LAMBDA_LOG_STREAM_NAME,
    breaker: {
      failuresToOpen: environment.LEDGER_FAILURES_TO_OPEN,
      openMs: environment.LEDGER_OPEN_SECONDS * 1000,
      slowMs: environment.LEDGER_SLOW_MILLISECONDS * environment.IO_DEADLINE_FACTOR,
    },
    now: Date.now,
    random: Math.random,
  });
}

/**
 * Creates the ledger over its table. While the table does not respond, this is logged and counted, claims are granted
 * without a record, so that deliveries continue at least once, and outcomes go to a queue until the table responds
 * again.
 */
export function createLedger(options: LedgerOptions): Ledger {
  const { table, log, counter, now } = options;
  const guard = createTableGuard(options);

  /**
   * Writes the event of a delivery that is parked in the ledger: nothing else stores it, and its acceptance may have
   * failed.
   */
  async function storeEvent(delivery: Delivery, record: LedgerRecord | undefined): Promise<void> {
    const acceptedAt = delivery.accepted_at ?? record?.accepted_at;
    await table.putEvents([
      eventOf(acceptedAt === undefined ? delivery : { ...delivery, accepted_at: acceptedAt }, now()),
    ]);
  }

  async function putResponse(
    delivery: Delivery,
    record: LedgerRecord | undefined,
    { responseStart, progress }: Settlement,
  ) {
    if (responseStart === undefined || progress.outcome === 'delivered') return;
    const acceptedAt = record?.accepted_at ?? delivery.accepted_at ?? new Date(now()).toISOString();
    const stored = truncate(responseStart, RESPONSE_START_CHARACTERS);
    await guard('putResponse', undefined, () => table.putResponse(delivery.webhook_id, acceptedAt, stored));
  }

  /**
   * Queues an outcome. `parked` is refused: its event must be in the ledger, so the caller lets an execution carry it.
   */
  async function leaveToQueue(outcome: UnsettledOutcome): Promise<boolean> {
    if (outcome.settlement.progress.outcome === 'parked') return false;
    const isTaken = await options.queueOutcome(outcome);
    counter.count(isTaken ? METRICS.outcomeQueued : METRICS.outcomeLost);
    if (!isTaken) {
      const { webhook_id, integration_id, generation } = outcome.delivery;
      const fields = { webhook_id, integration_id, generation, outcome: outcome.settlement.progress.outcome };
      log.error('ledger.outcome_lost', fields);
    }
    return isTaken;
  }

  /** Announces that this function's write has made a delivery dead. If SettleOutcomes writes it later, that announces it. */
  async function announceDead({ webhook_id, integration_id }: Delivery, { progress }: Settlement): Promise<void> {
    const { dead_reason: reason } = progress;
    if (reason !== undefined)
      await options.events?.put(deadLettered(webhook_id, reason, { integrationId: integration_id, atMs: now() }));
  }

  return {
    async accept(subjects) {
      const unique = new Map(subjects.map((subject) => [subject.webhook_id, subject]));
      const records = await guard<ReadonlyMap<string, LedgerRecord> | undefined>('accept', undefined, () =>
        table.records([...unique.keys()]),
      );
      const known = new Map([...(records ?? [])].filter(([, record]) => needsNoCopy(record)));
      const events = [...unique.values()]
        .filter(({ webhook_id }) => !known.has(webhook_id))
        .map((subject) => eventOf(subject, now()));
      if (events.length > 0) await guard('accept', undefined, () => table.putEvents(events));
      return records && known;
    },

    timers: (keys) => guard<ReadonlyMap<string, Timer> | undefined>('timers', undefined, () => table.timers(keys)),

    putTimer: (timer) =>
      guard<TimerResult>('putTimer', 'unreached', async () => ((await table.putTimer(timer)) ? 'written' : 'refused')),

    async claim(delivery, leaseMs) {
      const unseen: Claim = { verdict: 'claimed', lease: { delivery, record: undefined } };
      const claim = await guard('claim', unseen, () => claimDelivery(delivery, leaseMs, options));
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

    async settle({ delivery, record }, settlement) {
      const responseWritten = putResponse(delivery, record, settlement);
      const atMs = now();
      const { outcome } = settlement.progress;
      const unsettled = unsettledOf(
        delivery,
        settlement,
        atMs,
        record ? { kind: 'claimed', record } : { kind: 'unseen' },
      );
      const result = await guard('settle', 'failed' as const, async () => {
        if (outcome === 'parked') await storeEvent(delivery, record);
        // After the lease has ended, the claim's record may be outdated: another function may have claimed the delivery.
        const isLeased = record !== undefined && (leaseEndMs(record) > atMs || outcome !== 'delivered');
        return isLeased ? settleClaimed(record, settlement, atMs, table) : settleLate(unsettled, options);
      });
      if (result === 'lost') {
        const { webhook_id, integration_id, generation } = delivery;
        log.warn('ledger.lease_lost', { webhook_id, integration_id, generation, outcome });
      }
      const isLeft = result === 'failed' || result === 'busy';
      const isRecorded = result === 'written' || (isLeft && (await leaveToQueue(unsettled)));
      if (result === 'written') await announceDead(delivery, settlement);
      await responseWritten;
      return isRecorded;
    },

    async settleUnclaimed(delivery, settlement) {
      const unsettled = unsettledOf(delivery, settlement, now(), { kind: 'unclaimed' });
      const result = await guard('settleUnclaimed', 'failed' as const, () => settleLate(unsettled, options));
      if (result === 'written') await announceDead(delivery, settlement);
      return result === 'written' || result === 'lost' || leaveToQueue(unsettled);
    },
  };
}

function unsettledOf(
  delivery: Delivery,
  { progress, token, attempt }: Settlement,
  atMs: number,
  lease: UnsettledOutcome['lease'],
): UnsettledOutcome {
  return {
    schema_version: 1,
    at: new Date(atMs).toISOString(),
    delivery: factsOf(delivery),
    lease,
    settlement: { progress, ...(token !== undefined && { token }), ...(attempt !== undefined && { attempt }) },
  };
}
