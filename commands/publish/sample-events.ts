import type { EventType } from '../../lambdas/events/event-types/event-types.ts';
import type { Integration } from '../../lambdas/partners/integration.ts';
import { completion, ENTERPRISE, enrollment, LEARNER, lead } from '../../local/demo/sample-events.ts';
import { type IntegrationsDocument, idsOf, readEntry } from '../integration/integrations-document.ts';
import { CommandFailed } from '../shared/failures.ts';

/** What `--type` takes, and the event type that it is. */
export const SAMPLE_TYPES = {
  completion: 'course_completion',
  enrollment: 'course_enrollment',
  lead: 'lead',
} as const satisfies Readonly<Record<string, EventType>>;
export type SampleType = keyof typeof SAMPLE_TYPES;

/** Sample events of one type for one integration, each with an id of its own. @param nowMs when they occur, epoch milliseconds */
export function sampleEvents(
  type: SampleType,
  { id, enterprise_customer_uuid: enterprise = ENTERPRISE }: Pick<Integration, 'id' | 'enterprise_customer_uuid'>,
  { count, run, nowMs }: { readonly count: number; readonly run: string; readonly nowMs: number },
): readonly object[] {
  const occurredAt = `${new Date(nowMs).toISOString().slice(0, 19)}Z`;
  return Array.from({ length: count }, (_, index) => sample(`sample-${run}-${index + 1}`));

  function sample(eventId: string): object {
    // A cold lead is sent at once.
    if (type === 'lead') return lead(eventId, id, LEARNER.known, 'cold', occurredAt);
    const { payload, ...event } = (type === 'completion' ? completion : enrollment)(eventId, id, LEARNER.known);
    const enterpriseFields = { ...payload.enterprise, enterprise_customer_uuid: enterprise };
    return { ...event, occurred_at: occurredAt, payload: { ...payload, enterprise: enterpriseFields } };
  }
}

/**
 * The integration that sample events are for: the named one, or the first active one that subscribes to their type.
 *
 * @throws CommandFailed where there is none
 */
export function receiverOf(document: IntegrationsDocument, type: SampleType, id: string | undefined): Integration {
  const integrations = document.entries.flatMap((entry) => {
    const read = readEntry(entry);
    return 'integration' in read ? [read.integration] : [];
  });
  const eventType = SAMPLE_TYPES[type];
  const found =
    id === undefined
      ? integrations.find(({ active, event_types: types }) => active && (types?.includes(eventType) ?? true))
      : integrations.find((integration) => integration.id === id);
  if (found !== undefined) return found;
  const there = idsOf(document).join(', ') || 'none';
  throw new CommandFailed(
    id === undefined
      ? `no active integration subscribes to ${eventType}: there are ${there}`
      : `no integration has the id ${id}, or its entry does not fit: there are ${there}`,
  );
}
