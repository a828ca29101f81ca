import { webhookId } from '../../lambdas/events/identity.ts';
import type { Evidence } from './evidence.ts';
import type { completion, enrollment, lead } from './sample-events.ts';

/** What the demo publishes for one line of its table, and what must become of it. */
export interface Scenario {
  readonly name: string;
  /** Bodies of the messages, in the order in which they are published. */
  readonly messages: readonly string[];
  /** The webhooks that may come of them; none for what never becomes one. */
  readonly webhookIds: readonly string[];
  /** In the words of `observe.ts`. */
  readonly expected: string;
  /** How far apart they are sent to the partner, in milliseconds. */
  readonly paceMs?: number;
  /** What became of its deliveries, where the words of `observe.ts` say too much or too little. */
  readonly describe?: (webhookIds: readonly string[], evidence: Evidence) => string | undefined;
}

export type SampleEvent = ReturnType<typeof completion | typeof enrollment | typeof lead>;

/** A scenario of events that each become a webhook. */
export function scenario(
  name: string,
  events: readonly Pick<SampleEvent, 'integration_id' | 'event_id'>[],
  expected: string,
): Scenario {
  const ids = events.map(({ integration_id, event_id }) => webhookId(integration_id, event_id));
  return { name, messages: events.map((event) => JSON.stringify(event)), webhookIds: [...new Set(ids)], expected };
}
