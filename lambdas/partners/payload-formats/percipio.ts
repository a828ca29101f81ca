import * as z from 'zod';
import { inUnit } from './learning-time.ts';
import type { PayloadFormatDefinition } from './payload-format.ts';
import { NIL_UUID } from './sample-completion.ts';

const uuidOrNull = z.guid('must be a UUID or null').nullable();
const duration = z.number('must be a number').min(0, 'must be 0 or more');

const document = {
  content_id: z.string('must be text').regex(/^course:[^\s+]+(\+[^\s+]+)+$/, 'must be like course:Org+Course'),
  user: uuidOrNull,
  orgid: uuidOrNull,
  status: z.enum(['completed', 'started'], 'must be completed or started'),
  event_date: z.iso.datetime({ precision: 0, error: 'must be a time like 2026-01-15T12:00:00Z' }),
  completion_percentage: z.number('must be a number').min(0, 'must be 0 to 100').max(100, 'must be 0 to 100'),
};

const options = {
  /** Unit of `duration_spent`: Percipio's public documentation does not name it. */
  duration_unit: z.enum(['seconds', 'minutes', 'hours']).default('seconds'),
};

/** Percipio's flat document, which the LMS publishes without the duration. */
export const percipio = {
  options,
  compose({ payload }, learningTime, { duration_unit }: z.infer<z.ZodObject<typeof options>>) {
    return learningTime === undefined
      ? payload
      : { ...payload, duration_spent: inUnit(learningTime.totalSeconds, duration_unit) };
  },
  schema: z.object({ ...document, duration_spent: duration }),
  schemaWithoutLearningTime: z.object({ ...document, duration_spent: duration.nullish() }),
  sample: (time) => ({
    content_id: 'course:Test+Connection',
    user: NIL_UUID,
    orgid: NIL_UUID,
    status: 'completed',
    event_date: time,
    completion_percentage: 100,
  }),
} as const satisfies PayloadFormatDefinition;
