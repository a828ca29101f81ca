import * as z from 'zod';
import { integrationIdSchema } from '../events/event.ts';
import {
  integrationParked,
  integrationResumed,
  type OperationalEvent,
  PARKED_REASONS,
  type ParkedReason,
  RESUMED_REASONS,
  type ResumedReason,
} from '../events/operational-event.ts';

const common = {
  integration_id: integrationIdSchema,
  /** When it entered this state. */
  at: z.iso.datetime(),
  /** Whether the event bus has taken the event of this state. */
  is_announced: z.boolean(),
};

/**
 * Whether an integration is parked, as its contacts know it or are to learn it. An integration that was never parked has none.
 * This is no decision about deliveries: the limiter makes those, and forgets.
 */
export const integrationStateSchema = z.discriminatedUnion('state', [
  z.object({ ...common, state: z.literal('parked'), reason: z.enum(PARKED_REASONS) }),
  z.object({ ...common, state: z.literal('resumed'), reason: z.enum(RESUMED_REASONS) }),
]);
export type IntegrationState = Readonly<z.infer<typeof integrationStateSchema>>;

export function eventOfState(state: IntegrationState): OperationalEvent {
  const subject = { integrationId: state.integration_id, atMs: Date.parse(state.at) };
  return state.state === 'parked'
    ? integrationParked(state.reason, subject)
    : integrationResumed(state.reason, subject);
}

/** What the reconciler has found about an integration. Times are ISO 8601, UTC. */
export interface StateEvidence {
  /** The latest delivery that the integration received. */
  readonly lastDeliveredAt?: string | undefined;
  /** The latest delivery that the ledger holds because the limiter rejected it for over an hour. */
  readonly lastParked?: { readonly at: string; readonly reason: ParkedReason } | undefined;
  /** When an operator resumed the integration last. */
  readonly resumedAt?: string | undefined;
}

/**
 * The state that the evidence shows. It finds what no function has reported: an endpoint that has been failing for an hour, and
 * a transition whose function was killed before its write.
 *
 * @param known the stored state; undefined if the integration was never parked
 * @returns the new state, without its id; undefined if the stored one still holds
 */
export function stateShownBy(
  known: Pick<IntegrationState, 'state' | 'at'> | undefined,
  { lastDeliveredAt, lastParked, resumedAt }: StateEvidence,
): { readonly state: 'parked'; readonly reason: ParkedReason } | Resumed | undefined {
  const isAfter = (at: string | undefined, other: string | undefined) =>
    at !== undefined && (other === undefined || Date.parse(at) > Date.parse(other));
  if (known?.state === 'parked') {
    if (isAfter(lastDeliveredAt, known.at)) return { state: 'resumed', reason: 'endpoint_responded' };
    const isResumed = isAfter(resumedAt, known.at) && !isAfter(lastParked?.at, resumedAt);
    return isResumed ? { state: 'resumed', reason: 'resumed_by_operator' } : undefined;
  }
  if (lastParked === undefined) return undefined;
  const isLatest = [known?.at, lastDeliveredAt, resumedAt].every((at) => isAfter(lastParked.at, at));
  return isLatest ? { state: 'parked', reason: lastParked.reason } : undefined;
}

interface Resumed {
  readonly state: 'resumed';
  readonly reason: ResumedReason;
}
