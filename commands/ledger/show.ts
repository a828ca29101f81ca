import { deliverySchema } from '../../lambdas/events/delivery.ts';
import { changedAt } from '../../lambdas/ledger/transitions.ts';
import { CommandFailed } from '../shared/failures.ts';
import type { LedgerSession } from '../shared/open-ledger.ts';
import { heldDays } from '../shared/open-ledger.ts';
import { resolveIds } from '../shared/resolve-ids.ts';
import { carrierOf } from './carrier.ts';
import { findCauses } from './find-causes.ts';
import { type DeliveryView, formatDelivery } from './format-delivery.ts';
import { whenDueFields, whenDueOf } from './scheduled.ts';

/** The requested delivery. */
export interface Subject {
  readonly webhookId: string;
  /** As it was asked for, for the message that it does not exist. */
  readonly asked: string;
}

const DAY_MS = 24 * 3600_000;

/** `ledger show`: what became of one delivery. @throws CommandFailed for an unknown id; LedgerUnavailable */
export async function show(
  { webhookId: given, asked }: Subject,
  { payload: showsPayload = false }: { readonly payload?: boolean | undefined },
  world: LedgerSession,
): Promise<number> {
  const { stageName, print, asJson } = world;
  const [webhookId = given] = await resolveIds([given], world);
  const view = isPossible(webhookId) ? await readView(webhookId, world) : undefined;
  if (view === undefined) throw new CommandFailed(formatUnknown(webhookId, asked, world));
  print(
    asJson ? JSON.stringify(asFields(view, stageName, showsPayload)) : formatDelivery(view, stageName, showsPayload),
  );
  return 0;
}

/** Whether a text is a whole webhook id. */
export function isPossible(webhookId: string): boolean {
  return deliverySchema.shape.webhook_id.safeParse(webhookId).success;
}

function formatUnknown(webhookId: string, asked: string, { stage, stageName }: LedgerSession): string {
  const unknown = `the ledger of stage ${stageName} knows no ${asked}`;
  if (!isPossible(webhookId))
    return `${unknown}: an id is wh_ and 40 hexadecimal digits, as in the webhook-id header, or the first 6 or more of them`;
  return `${unknown}: it was not accepted in the last ${heldDays(stage).factsDays} days, which is as long as it remembers`;
}

/** All that the ledger holds of one delivery. @returns undefined if it knows none @throws LedgerUnavailable */
export async function readView(
  webhookId: string,
  world: Pick<LedgerSession, 'stage' | 'table' | 'now'>,
): Promise<DeliveryView | undefined> {
  const { stage, table, now } = world;
  const [record, event, responseStart] = await Promise.all([
    table.record(webhookId),
    table.event(webhookId),
    table.response(webhookId),
  ]);
  const acceptedAt = event?.accepted_at ?? record?.accepted_at;
  if (acceptedAt === undefined) return undefined;
  return {
    ...{ webhookId, record, event, responseStart },
    state: record?.state ?? 'accepted',
    since: record === undefined ? acceptedAt : changedAt(record),
    cause: record && (await findCauses([record], world)).get(webhookId),
    carrier: carrierOf(record, stage.output('RetryWorkflowArn'), now()),
    whenDue: await whenDueOf(record, event, table, now()),
    heldUntil: new Date(Date.parse(acceptedAt) + heldDays(stage).payloadDays * DAY_MS).toISOString(),
  };
}

/** A delivery as `--json` prints it. */
export function asFields(view: DeliveryView, stageName: string, showsPayload: boolean) {
  const { webhookId, record, event, responseStart, state, since, cause, carrier, whenDue, heldUntil } = view;
  const { payload, ...subject } = event ?? {};
  return {
    ...{ stage: stageName, webhook_id: webhookId, state, since, carried_by: carrier },
    ...subject,
    ...record,
    ...(cause !== undefined && { cause }),
    ...(whenDue !== undefined && { when_due: whenDueFields(whenDue) }),
    is_payload_held: event !== undefined,
    ...(event !== undefined && { payload_held_until: heldUntil }),
    is_response_held: responseStart !== undefined,
    ...(showsPayload && responseStart !== undefined && { response_start: responseStart }),
    ...(showsPayload && payload !== undefined && { payload }),
  };
}
