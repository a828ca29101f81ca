import * as z from 'zod';
import { inUnit, wholeSecondsSchema } from './learning-time.ts';
import type { KnownLearningTime, PayloadFormatDefinition } from './payload-format.ts';
import { sampleCompletion } from './sample-completion.ts';

/** The object `learning_time` at the top level of the LMS's payload (requirement T2). */
export const learningTimeObject = {
  compose({ payload }, learningTime) {
    return learningTime === undefined ? payload : { ...payload, learning_time: toObject(learningTime) };
  },
  schema: z.object({
    learning_time: z.strictObject({
      total_seconds: wholeSecondsSchema,
      total_hours: z.number().min(0),
      last_updated: z.iso.datetime(),
    }),
  }),
  // The LMS may publish a `learning_time` of its own, of any type.
  schemaWithoutLearningTime: z.object({}),
  sample: sampleCompletion,
} as const satisfies PayloadFormatDefinition;

function toObject({ totalSeconds, lastUpdated }: KnownLearningTime) {
  return { total_seconds: totalSeconds, total_hours: inUnit(totalSeconds, 'hours'), last_updated: lastUpdated };
}
