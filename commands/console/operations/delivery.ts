import * as z from 'zod';
import type { LedgerEvent } from '../../../lambdas/ledger/record.ts';
import { readAttemptPhases } from '../../ledger/attempt-phases.ts';
import { formatCarrier } from '../../ledger/carrier.ts';
import { formatLearningTime, formatNext, formatParking } from '../../ledger/format-delivery.ts';
import { formatWhenDue } from '../../ledger/scheduled.ts';
import { isPossible, readView } from '../../ledger/show.ts';
import { CommandFailed } from '../../shared/failures.ts';
import { openLedger } from '../../shared/open-ledger.ts';
import { operation, type Work } from '../operation.ts';

/** It comes from an address, which an operator may have typed. */
const inputSchema = z.strictObject({ webhookId: z.string().max(200) });

/** What `./ltw ledger show` prints of a delivery, without its payload and the partner's response. */
export const readDelivery = operation(inputSchema, async ({ webhookId }, { stage, now, context }) => {
  const view = isPossible(webhookId)
    ? await readView(webhookId, { stage, now, table: openLedger(stage, context) })
    : undefined;
  if (view === undefined) throw new CommandFailed(`the ledger of stage ${stage.name} knows no delivery ${webhookId}`);
  const { record, event, state, since, cause, carrier, whenDue, heldUntil, responseStart } = view;
  return {
    ...{ webhookId, state, since, heldUntil, record },
    /** Absent if it was deleted. */
    event: event && withoutPayload(event),
    ...(cause !== undefined && { cause }),
    carriedBy: formatCarrier(carrier),
    whenDue: formatWhenDue(whenDue),
    learningTime: formatLearningTime(record, event),
    parking: record && formatParking(record),
    next: formatNext(view, stage.name),
    hasPayload: event !== undefined,
    hasResponse: responseStart !== undefined,
  };
});

function withoutPayload({ payload, ...event }: LedgerEvent): Omit<LedgerEvent, 'payload'> {
  return event;
}

/** The event as the LMS sent it: personal data. */
export const readPayload = operation(inputSchema, async ({ webhookId }, { stage, context }: Work) => ({
  text: (await openLedger(stage, context).event(webhookId))?.payload,
}));

/** How the partner's last refusal began, which may repeat the payload. */
export const readResponse = operation(inputSchema, async ({ webhookId }, { stage, context }: Work) => ({
  text: await openLedger(stage, context).response(webhookId),
}));

/** How long the phases of each recorded attempt took. */
export const readPhases = operation(inputSchema, async ({ webhookId }, { stage, context, signal }: Work) => {
  const record = await openLedger(stage, context).record(webhookId);
  return { attempts: record === undefined ? [] : await readAttemptPhases(record, stage, signal) };
});
