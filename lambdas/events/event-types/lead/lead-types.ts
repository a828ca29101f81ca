import * as z from 'zod';
import { doublingFromOneSecond, type Kind } from '../event-type.ts';

/** The lead types, with their attempts and the consequence of a failure (requirements W2 to W4). */
export const LEAD_TYPES = {
  /** The user expects a call. */
  hot: {
    payload: z.object({ priority: z.literal('high', 'of a hot lead must be "high"') }),
    policy: doublingFromOneSecond(5),
    isCritical: true,
  },
  /** The user has used a calculator and may still act: the lead is sent only if no later lead supersedes it. */
  calculated: {
    policy: { ...doublingFromOneSecond(3), secondRoundAfterMinutes: 120 },
    timer: { defaultDelayMinutes: 60 },
  },
  cold: {
    policy: doublingFromOneSecond(2),
  },
} as const satisfies Readonly<Record<string, Kind>>;
