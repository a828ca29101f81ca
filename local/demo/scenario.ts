import { webhookId } from '../../lambdas/events/identity.ts';
import type { Evidence } from './evidence.ts';
import type { completion, enrollment, lead } from './sample-events.ts';

/** The events for one line of the demo's table, and the expected outcome. */
export interface Scenario {
  readonly name: string;
  /** Bodies of the messages, in order of publication. */
  readonly messages: readonly string[];
  /** Ids of their webhooks; none for events that become no webhook. */
  readonly webhookIds: readonly string[];
  /** An outcome of `observe.ts`. */
  readonly expected: string;
  /** Minimum time between the webhooks, in milliseconds. */
  readonly paceMs?: number;
  /** Describes the outcome instead of `observe.ts`. */
  readonly describe?: (webhookIds: readonly string[], evidence: Evidence) => string | undefined;
}

export type SampleEvent = ReturnType<typeof completion | typeof enrollment | typeof lead>;

/** A scenario whose events each become a webhook. */
export function scenario(
  name: string,
  events: readonly Pick<SampleEvent, 'integration_id' | 'event_id'>[],
  expected: string,
): Scenario {
  const ids = events.map(({ integration_id, event_id }) => webhookId(integration_id, event_id));
  return { name, messages: events.map((event) => JSON.stringify(event)), webhookIds: [...new Set(ids)], expected };
}
