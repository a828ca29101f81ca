import * as z from 'zod';
import { HOUR_MS } from '../shared/durations.ts';

/** A timer that is overdue for longer than this, in milliseconds, did not fire. An attempt may be late for other reasons. */
export const OVERDUE_AFTER_MS = HOUR_MS;

/**
 * A user's latest event at one integration, of an event type with scheduled events. When a scheduled event is due, its timer
 * decides whether it is sent: only the latest event is. Stored in the ledger's table, under a hash of integration, type and
 * user.
 */
export const timerSchema = z.object({
  /** See `timerKey` in events/identity.ts. */
  key: z.string(),
  /** Of the latest event. */
  webhook_id: z.string(),
  integration_id: z.string(),
  /** When the event occurred, or was accepted if its publisher's clock is ahead. ISO 8601, UTC. */
  latest_at: z.iso.datetime(),
  /** The scheduled time, while the event waits. Absent if it is sent immediately, or has fired. */
  due_at: z.iso.datetime().optional(),
  /** The generation that carries it. */
  generation: z.int().min(0),
});
export type Timer = z.infer<typeof timerSchema>;
