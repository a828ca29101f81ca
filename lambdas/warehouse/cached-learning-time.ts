import * as z from 'zod';
import { parseJson } from '../shared/json.ts';
import type { LearningTime } from './learning-time.ts';

/**
 * A cached learning time: `{"s":18540,"d":"2026-01-10"}` for a sum and its batch date, `{"none":1}` if the warehouse has no
 * rows. So a sum of 0 differs from no data.
 */
const storedLearningTime = z.union([
  z.strictObject({ s: z.int().min(0), d: z.iso.date() }),
  z.strictObject({ none: z.literal(1) }),
]);

const NO_DATA = '{"none":1}';

/** Encodes a learning time for the cache. */
export function encodeLearningTime(learningTime: LearningTime): string {
  return learningTime.found ? JSON.stringify({ s: learningTime.totalSeconds, d: learningTime.lastDate }) : NO_DATA;
}

/**
 * Decodes a text from the cache.
 *
 * @returns undefined if the text is invalid or of another version: the caller treats it as a miss
 */
export function decodeLearningTime(text: string): LearningTime | undefined {
  const result = storedLearningTime.safeParse(parseJson(text));
  if (!result.success) return undefined;
  const stored = result.data;
  return 's' in stored ? { found: true, totalSeconds: stored.s, lastDate: stored.d } : { found: false };
}
