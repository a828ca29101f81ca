import * as z from 'zod';
import type { EventTypeDefinition } from '../event-type.ts';
import { LEAD_TYPES } from './lead-types.ts';

const USER_ID = 'must be a whole number above 0, of at most 18 digits';
const userId = z.union([z.int(USER_ID).min(1, USER_ID), z.string().regex(/^[1-9]\d{0,17}$/, USER_ID)], USER_ID);

/** The required fields (requirement W2). Other fields pass through unchecked. */
const payload = z.object({
  user_id: userId,
  lead_type: z.enum(Object.keys(LEAD_TYPES), `must be one of ${Object.keys(LEAD_TYPES).join(', ')}`),
  // Python's `isoformat()` of a time in UTC writes no offset.
  timestamp: z.iso.datetime({ offset: true, local: true, error: 'must be a time like 2026-01-15T10:30:00Z' }),
});

/** A user who may become a customer, for n8n and similar receivers (requirement W2). */
export const lead = {
  payload,
  userIdAt: ['user_id'],
  enrichment: 'none',
  kinds: { field: 'lead_type', byName: LEAD_TYPES },
} as const satisfies EventTypeDefinition;
