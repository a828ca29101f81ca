import * as z from 'zod';
import { integrationIdSchema } from '../../../lambdas/events/event.ts';
import { truncate } from '../../../lambdas/shared/text.ts';
import { type FoundReasons, findReasons } from '../../ledger/find-reasons.ts';
import { DEFAULT_SPANS } from '../../ledger/option-values.ts';
import { countDeadLetters, DEAD_LETTER_QUEUES } from '../../preflight/dead-letters.ts';
import { findRejected, type RejectedEvent, readRejected } from '../../rejected/read-rejected.ts';
import { awsFailure, CommandFailed, whereOf } from '../../shared/failures.ts';
import { openLedger } from '../../shared/open-ledger.ts';
import { isTime, readSpan } from '../../shared/time-span.ts';
import { readIntegrations } from '../../status/read-integrations.ts';
import { operation } from '../operation.ts';

/** Rows that a table of the page has at most. */
const MOST_ROWS = 100;

/** The interval between two interim results, in milliseconds. */
const REPORT_EVERY_MS = 500;

const timeSchema = z.string().refine(isTime, 'must be a time, such as 24h, 2026-01-31 or 2026-01-31T12:00:00Z');

/** The groups of `./ltw ledger reasons`, and of which time of acceptance. ISO 8601, UTC. */
export interface DeadReasons extends FoundReasons {
  readonly since: string;
  readonly until: string;
}

/** What `./ltw ledger reasons` prints, and on the way what was found so far. */
export const readDeadReasons = operation<
  {
    readonly integration?: string | undefined;
    readonly since?: string | undefined;
    readonly until?: string | undefined;
  },
  DeadReasons,
  DeadReasons
>(
  z.strictObject({
    ...{ integration: integrationIdSchema.optional(), since: timeSchema.optional(), until: timeSchema.optional() },
  }),
  async ({ integration, since, until }, { stage, now, signal, report }) => {
    // The span of a replay of one group: what is accepted later is not part of it.
    const readAt = new Date(now()).toISOString();
    const span = readSpan({ since, until: until ?? readAt }, now(), DEFAULT_SPANS.list);
    const times = { since: span.from, until: span.until };
    const filter = { state: 'dead', integrationId: integration, span } as const;
    let reportedMs = now();
    return {
      ...times,
      ...(await findReasons(openLedger(stage, { now }), filter, MOST_ROWS, {
        signal,
        report(_rowsRead, found) {
          if (now() - reportedMs < REPORT_EVERY_MS) return;
          reportedMs = now();
          void report({ ...times, ...found() });
        },
      })),
    };
  },
);

/** Integrations to which deliveries would be replayed, with what speaks against it. */
export const readReplayTargets = operation(z.strictObject({}), async (_input, { stage, now }) => ({
  integrations: (await readIntegrations(stage, now())).map(({ id, state, last_response, last_response_at }) => ({
    ...{ id, state, last_response, last_response_at },
  })),
}));

/** How many messages each dead-letter queue has, as SQS estimates it. A queue that may not be read hides no other. */
export const readDeadLetterQueues = operation(z.strictObject({}), async (_input, { stage }) => ({
  queues: await Promise.all(
    DEAD_LETTER_QUEUES.map(async ([name, output]) => {
      try {
        return { name, messages: await countDeadLetters(stage, output) };
      } catch (thrown) {
        const error = thrown instanceof CommandFailed ? thrown.message : awsFailure(thrown, whereOf(stage.name));
        if (error === undefined) throw thrown;
        return { name, error };
      }
    }),
  ),
}));

/** Of a field of a rejected event in a table, in characters. */
const MOST_OF_A_FIELD = 500;

/**
 * What `./ltw rejected list` prints. SQS counts it as a receive of each message: the page reads them only when the operator
 * asks.
 */
export const readRejectedEvents = operation(z.strictObject({}), async (_input, { stage, signal }) => {
  const events = await readRejected(stage, MOST_ROWS, { signal });
  return { events: events.map(rowOf), is_complete: events.length < MOST_ROWS };
});

function rowOf({ payload, message_id, rejected_at, ...texts }: RejectedEvent) {
  const cut = (text: string | null) => text && truncate(text, MOST_OF_A_FIELD);
  return {
    ...{ message_id, rejected_at, reason: cut(texts.reason), integration_id: cut(texts.integration_id) },
    ...{ event_type: cut(texts.event_type), event_id: cut(texts.event_id), payload_bytes: Buffer.byteLength(payload) },
  };
}

/** Of a payload on the page, in characters. SQS takes up to a million. */
const MOST_OF_A_PAYLOAD = 300_000;

/** What `./ltw rejected show --payload` prints of one message. Personal data. */
export const readRejectedPayload = operation(
  z.strictObject({ message_id: z.string().min(1).max(100) }),
  async ({ message_id }, { stage, signal }) => {
    const { payload } = await findRejected(stage, message_id, { signal });
    return { payload: truncate(payload, MOST_OF_A_PAYLOAD), characters: payload.length };
  },
);
