import * as z from 'zod';
import { integrationIdSchema } from '../../../lambdas/events/event.ts';
import type { EventSubject } from '../../../lambdas/ledger/ports.ts';
import { DELIVERY_STATES, type DeliveryState } from '../../../lambdas/ledger/record.ts';
import { UsageError } from '../../../local/command-line.ts';
import { findByEventId, findByWebhookId, knownIntegrations } from '../../ledger/find-by-id.ts';
import { withCauses } from '../../ledger/find-causes.ts';
import type { FoundDelivery } from '../../ledger/find-deliveries.ts';
import { DEFAULT_SPANS } from '../../ledger/option-values.ts';
import { MAX_CURSOR_CHARACTERS, parseCursor } from '../../ledger/page-cursor.ts';
import { type DeliveriesPage, type PageProgress, pageDeliveries } from '../../ledger/page-deliveries.ts';
import { createReadMeter, type ReadCost } from '../../ledger/read-cost.ts';
import { estimateSearch, type SearchProgress, searchEvents } from '../../ledger/search-events.ts';
import { CommandFailed } from '../../shared/failures.ts';
import { openLedger, openListPages } from '../../shared/open-ledger.ts';
import { isTime, readSpan, TIME_FORMS } from '../../shared/time-span.ts';
import { operation, type Work } from '../operation.ts';

/** Fields of an address, which an operator may have typed: what is wrong with one is said in words. */
const field = z.string().max(100).optional();

const listSchema = z.strictObject({
  integrationId: field,
  state: field,
  /** A part of the reason. */
  text: z.string().min(1).max(200).optional(),
  since: field,
  until: field,
  cursor: z.string().max(MAX_CURSOR_CHARACTERS).optional(),
});

/** A page of the list of deliveries, newest first. */
export const listDeliveries = operation<z.infer<typeof listSchema>, DeliveriesPage & ReadCost, PageProgress & ReadCost>(
  listSchema,
  async ({ text, since, until, cursor, ...filter }, work) => {
    const { stage, now, context, signal, report } = work;
    const table = openLedger(stage, context);
    const meter = createReadMeter();
    const query = asked(() => ({
      integrationId: integrationOf(filter.integrationId),
      state: stateOf(filter.state),
      reason: text,
      span: readSpan({ since: timeOf('since', since), until: timeOf('until', until) }, now(), DEFAULT_SPANS.list),
      cursor: cursor === undefined ? undefined : parseCursor(cursor),
    }));
    const page = await pageDeliveries(
      query,
      { lists: openListPages(stage, context), table },
      { onRead: meter.onRead, signal, onProgress: (progress) => report({ ...progress, ...meter.cost() }) },
    );
    const deliveries = await withCauses(page.deliveries, { table, stage, now });
    return { ...page, deliveries, ...meter.cost() };
  },
);

const findSchema = z.union([
  z.strictObject({ webhookId: z.string().min(1).max(100) }),
  z.strictObject({ eventId: z.string().min(1).max(128), integrationId: field }),
]);

/** Deliveries by their id, by how it starts, or by their event: none is searched for. */
export const findDeliveries = operation(findSchema, async (input, { stage, now, context }) => {
  const table = openLedger(stage, context);
  const source = { table, stage, now };
  const found = await ('webhookId' in input
    ? findByWebhookId(input.webhookId, source)
    : findByEventId(
        input.eventId,
        asked(() => integrationOf(input.integrationId)),
        source,
      ));
  return { deliveries: await withCauses<FoundDelivery>(found, source) };
});

/** The integrations of which the ledger has deliveries. */
export const listLedgerIntegrations = operation(z.strictObject({}), async (_input, { stage, now, context }) => ({
  integrationIds: await knownIntegrations({ table: openLedger(stage, context), stage, now }),
}));

const searchSchema = z.union([
  z.strictObject({ userId: z.string().min(1).max(100) }),
  z.strictObject({ courseId: z.string().min(1).max(255) }),
  z.strictObject({ containing: z.string().min(4).max(200) }),
]);

/** Searches all events of the table, which no index helps with. */
export const searchDeliveries = operation<EventSubject, SearchProgress, SearchProgress>(
  searchSchema,
  async (subject, { stage, context, signal, report }: Work<SearchProgress>) =>
    searchEvents(asWritten(subject), openLedger(stage, context), { onProgress: report, signal }),
);

/** What a search reads at the most. */
export const estimateDeliverySearch = operation(
  z.strictObject({ of: z.enum(['table', 'index']) }),
  async ({ of }, { stage }) => estimateSearch(stage, of),
);

function integrationOf(text: string | undefined): string | undefined {
  if (text === undefined || integrationIdSchema.safeParse(text).success) return text;
  throw new UsageError(`this is no id of an integration: ${text}`);
}

function stateOf(text: string | undefined): DeliveryState | undefined {
  const state = DELIVERY_STATES.find((one) => one === text);
  if (state !== undefined || text === undefined) return state;
  throw new UsageError(`there is no state ${text}: it is one of ${DELIVERY_STATES.join(', ')}`);
}

function timeOf(name: string, text: string | undefined): string | undefined {
  if (text === undefined || isTime(text)) return text;
  throw new UsageError(`accepted ${name}: it must be ${TIME_FORMS}`);
}

/** Payloads are held as JSON text. */
function asWritten(subject: EventSubject): EventSubject {
  return 'containing' in subject ? { containing: JSON.stringify(subject.containing).slice(1, -1) } : subject;
}

/** @throws CommandFailed where an option of the CLI would be refused */
function asked<T>(read: () => T): T {
  try {
    return read();
  } catch (thrown) {
    if (thrown instanceof UsageError) throw new CommandFailed(thrown.message);
    throw thrown;
  }
}
