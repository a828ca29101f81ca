import * as z from 'zod';
import { HOUR_MS } from '../shared/durations.ts';

/** A timer that has been due for longer, in ms, did not fire. An attempt that waits for its settings may take some time. */
export const OVERDUE_AFTER_MS = HOUR_MS;

/**
 * A user's latest event at one integration, of a type whose events may wait. It decides on those that still wait when
 * they wake: only the latest is sent. Held in the ledger's table, under a hash of integration, type and user.
 */
export const timerSchema = z.object({
  /** As `timerKey` in events/identity.ts makes it. */
  key: z.string(),
  /** The event's webhook. */
  webhook_id: z.string(),
  integration_id: z.string(),
  /** When the event occurred, or entered the pipeline where its publisher's clock is ahead. ISO 8601, UTC. */
  latest_at: z.iso.datetime(),
  /** Its scheduled time, while it waits. Absent from one that is sent at once, or has fired. */
  due_at: z.iso.datetime().optional(),
  /** The generation that carries it. */
  generation: z.int().min(0),
});
export type Timer = z.infer<typeof timerSchema>;
