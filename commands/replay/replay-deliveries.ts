import { SendMessageCommand, type SQSClient } from '@aws-sdk/client-sqs';
import type { LedgerTable } from '../../lambdas/ledger/ports.ts';
import type { LedgerRecord } from '../../lambdas/ledger/record.ts';
import { isReplaced, writerName } from '../../lambdas/ledger/table/claim-and-settle.ts';
import { type Cause, deliveryOf, leaseEndMs, reopened } from '../../lambdas/ledger/transitions.ts';
import { toMessageText } from '../../lambdas/shared/json-text.ts';
import type { Context } from '../shared/context.ts';
import { inTime, type Turn } from './pace.ts';

/**
 * The result of one delivery. `in_flight`: a message or a function has it already. `no_payload`: there is nothing left
 * to send. `changed`: by another writer meanwhile. `refused`: reopened, and the queue did not take it. `unconfirmed`:
 * the ledger did not respond, and whether it is reopened is not known. The last two may be `accepted` without a
 * message: the reconciler finds them.
 */
export const REPLAY_RESULTS = ['replayed', 'in_flight', 'changed', 'no_payload', 'refused', 'unconfirmed'] as const;
export type ReplayResult = (typeof REPLAY_RESULTS)[number];

export interface ReplayServices extends Pick<Context, 'now' | 'sleep'> {
  readonly table: Pick<LedgerTable, 'record' | 'records' | 'event' | 'replace' | 'putOpen'>;
  readonly sqs: SQSClient;
  /** Of the deliveries queue. */
  readonly queueUrl: string;
}

export interface ReplayOrder {
  readonly cause: Exclude<Cause, 'resend'>;
  readonly turns: readonly Turn[];
  /** Whether a delivery, as it stands when its turn comes, is still one of those that were meant. */
  readonly isMeant: (record: LedgerRecord) => boolean;
}

export interface Replayed {
  readonly results: Readonly<Record<ReplayResult, readonly string[]>>;
  /** Deliveries whose turn did not come: nothing about them is changed. */
  readonly left: number;
  /** What the ledger or the queue threw, where that ended it. */
  readonly thrown?: unknown;
}

/**
 * Sends deliveries again, each in its next generation, a few at a time. What was begun is finished before it ends: a
 * delivery is either as it was, or reopened and on the deliveries queue. The first failure ends it.
 *
 * @param watch receives the number done, and decides whether to stop
 */
export async function replayDeliveries(
  order: ReplayOrder,
  services: ReplayServices,
  watch: { readonly report: (done: number) => void; readonly isInterrupted: () => boolean },
): Promise<Replayed> {
  const results = Object.fromEntries(REPLAY_RESULTS.map((result) => [result, [] as string[]])) as Record<
    ReplayResult,
    string[]
  >;
  let done = 0;
  for await (const webhookIds of inTime(order.turns, services, watch.isInterrupted)) {
    const ended = await replayTogether(webhookIds, order, services);
    for (const { webhookId, result } of ended) {
      if (result === undefined) continue;
      results[result].push(webhookId);
      done += 1;
    }
    watch.report(done);
    const failed = ended.find(({ thrown }) => thrown !== undefined);
    if (failed !== undefined) return { results, left: order.turns.length - done, thrown: failed.thrown };
  }
  return { results, left: order.turns.length - done };
}

interface Ended {
  readonly webhookId: string;
  /** Absent where nothing about it is changed, since the ledger could not be read. */
  readonly result?: ReplayResult;
  readonly thrown?: unknown;
}

async function replayTogether(
  webhookIds: readonly string[],
  order: ReplayOrder,
  services: ReplayServices,
): Promise<readonly Ended[]> {
  try {
    const records = await services.table.records(webhookIds);
    const settlement = webhookIds.map((webhookId) =>
      replayOne(webhookId, records.get(webhookId), order, services).catch((thrown) => ({ webhookId, thrown })),
    );
    return await Promise.all(settlement);
  } catch (thrown) {
    return webhookIds.map((webhookId) => ({ webhookId, thrown }));
  }
}

/** @throws LedgerUnavailable where nothing is changed */
async function replayOne(
  webhookId: string,
  record: LedgerRecord | undefined,
  { cause, isMeant }: ReplayOrder,
  { table, now, sqs, queueUrl }: ReplayServices,
): Promise<Ended> {
  if (record === undefined || isInFlight(record, now())) return { webhookId, result: 'in_flight' };
  if (!isMeant(record)) return { webhookId, result: 'changed' };
  // Before anything is changed: what has no payload stays as it is.
  const event = await table.event(webhookId);
  if (event === undefined) return { webhookId, result: 'no_payload' };
  const after = reopened(record, cause, now());
  if (after === undefined) return { webhookId, result: 'in_flight' };
  const next = { ...after, claimed_by: writerName(cause) };
  let result: ReplayResult = 'unconfirmed';
  try {
    if (!(await isReplaced(record, next, now(), table))) return { webhookId, result: 'changed' };
    result = 'refused';
    await sqs.send(
      new SendMessageCommand({
        QueueUrl: queueUrl,
        MessageBody: toMessageText(deliveryOf(event, next, now(), cause)),
        MessageGroupId: next.integration_id,
      }),
    );
    return { webhookId, result: 'replayed' };
  } catch (thrown) {
    return { webhookId, result, thrown };
  }
}

/** Whether a message carries it to a function, or a function is sending it. */
export function isInFlight(record: LedgerRecord, nowMs: number): boolean {
  return record.state === 'accepted' || leaseEndMs(record) > nowMs;
}
