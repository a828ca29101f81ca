import * as z from 'zod';
import { isJsonObject } from '../../shared/json-text.ts';
import { wholeSecondsSchema } from './learning-time.ts';
import type { PayloadFormatDefinition } from './payload-format.ts';
import { sampleCompletion } from './sample-completion.ts';

const AN_OBJECT = 'must be an object';

/**
 * Whole seconds in the object `completion` (requirement F5). Open edX adds that object to Percipio's flat document, and only
 * if the time is known (enterprise-integrated-channels 0.2.0), so a payload without it is complete. The LMS may publish its
 * own time, or `null`.
 */
export const completionField = {
  compose({ payload }, learningTime) {
    const completion = payload.completion ?? {};
    if (learningTime === undefined || !isJsonObject(completion)) return payload;
    return { ...payload, completion: { ...completion, learning_time: learningTime.totalSeconds } };
  },
  schema: z.object({ completion: z.object({ learning_time: wholeSecondsSchema }, AN_OBJECT) }),
  schemaWithoutLearningTime: z.object({
    completion: z.object({ learning_time: wholeSecondsSchema.nullish() }, AN_OBJECT).nullish(),
  }),
  sample: sampleCompletion,
} as const satisfies PayloadFormatDefinition;
