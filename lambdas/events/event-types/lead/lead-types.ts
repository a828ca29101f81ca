import * as z from 'zod';
import { doublingFromOneSecond, type Kind } from '../event-type.ts';

/** Document 003's lead types, one entry each: how often they are tried, and what a failure means. */
export const LEAD_TYPES = {
  /** Somebody waits for a call. */
  hot: {
    payload: z.object({ priority: z.literal('high', 'of a hot lead must be "high"') }),
    policy: doublingFromOneSecond(5),
    isCritical: true,
  },
  /** Somebody has calculated, and may still act: the partner hears of it only where nothing else comes of it. */
  calculated: {
    policy: { ...doublingFromOneSecond(3), secondRoundAfterMinutes: 120 },
    timer: { defaultDelayMinutes: 60 },
  },
  cold: {
    policy: doublingFromOneSecond(2),
  },
} as const satisfies Readonly<Record<string, Kind>>;
