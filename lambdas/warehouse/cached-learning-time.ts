import * as z from 'zod';
import { parseJson } from '../shared/json.ts';
import { type ChangeToken, changeTokenSchema } from './change-token.ts';
import type { LearningTime } from './learning-time.ts';

/** An entry of the cache. */
export interface CachedLearningTime {
  readonly learningTime: LearningTime;
  /**
   * The answer is at least as new as this change of the table: a warm run's own token, or the token of the last complete run
   * when a miss was found. Absent if no run had completed.
   */
  readonly token?: ChangeToken | undefined;
}

const token = { t: changeTokenSchema.optional() };

/**
 * The text of an entry: `{"s":18540,"d":"2026-01-10"}` for a sum and its batch date, `{"none":1}` if the warehouse has no
 * rows; so a sum of 0 differs from no data. The token follows as `"t":"1768003200000000000"`.
 */
const storedLearningTime = z.union([
  z.strictObject({ s: z.int().min(0), d: z.iso.date(), ...token }),
  z.strictObject({ none: z.literal(1), ...token }),
]);

/** Encodes an entry for the cache. `keep-newer-entry.ts` reads the token in this text. */
export function encodeLearningTime(learningTime: LearningTime, t?: ChangeToken): string {
  return JSON.stringify(
    learningTime.found ? { s: learningTime.totalSeconds, d: learningTime.lastDate, t } : { none: 1, t },
  );
}

/**
 * Decodes a text from the cache.
 *
 * @returns undefined if the text is invalid or of another version: the caller treats it as a miss
 */
export function decodeLearningTime(text: string): CachedLearningTime | undefined {
  const result = storedLearningTime.safeParse(parseJson(text));
  if (!result.success) return undefined;
  const stored = result.data;
  return {
    learningTime: 's' in stored ? { found: true, totalSeconds: stored.s, lastDate: stored.d } : { found: false },
    token: stored.t,
  };
}
