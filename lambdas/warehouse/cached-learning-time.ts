import * as z from 'zod';
import { parseJson } from '../shared/json.ts';
import type { LearningTime } from './learning-time.ts';

/**
 * A learning time as the cache holds it: `{"s":18540,"d":"2026-01-10"}` for a sum and its batch date, `{"none":1}` for "the
 * warehouse has no rows". The two never look alike, so a real 0 stays 0.
 */
const storedLearningTime = z.union([
  z.strictObject({ s: z.int().min(0), d: z.iso.date() }),
  z.strictObject({ none: z.literal(1) }),
]);

const NO_DATA = '{"none":1}';

/** The largest share by which a time to live is moved up or down. */
const JITTER_SHARE = 0.1;

/** Writes a learning time as the text that the cache holds. */
export function encodeLearningTime(learningTime: LearningTime): string {
  return learningTime.found ? JSON.stringify({ s: learningTime.totalSeconds, d: learningTime.lastDate }) : NO_DATA;
}

/**
 * Reads a text from the cache.
 *
 * @returns nothing where the text is damaged or another version's: the caller treats it as a miss
 */
export function decodeLearningTime(text: string): LearningTime | undefined {
  const result = storedLearningTime.safeParse(parseJson(text));
  if (!result.success) return undefined;
  const stored = result.data;
  return 's' in stored ? { found: true, totalSeconds: stored.s, lastDate: stored.d } : { found: false };
}

/**
 * Spreads times to live, so that entries stored together do not expire together and reach the warehouse as one wave.
 *
 * @param ttlSeconds above 0
 * @param random from 0 up to, but without, 1
 * @returns whole seconds within ±10% of `ttlSeconds`, at least 1 (the server refuses 0)
 */
export function jitteredTtlSeconds(ttlSeconds: number, random: number): number {
  const lowest = Math.ceil(ttlSeconds * (1 - JITTER_SHARE));
  const highest = Math.floor(ttlSeconds * (1 + JITTER_SHARE));
  // Under ten seconds there may be no whole second within 10% but the number itself.
  const choices = Math.max(0, highest - lowest) + 1;
  return Math.max(1, lowest + Math.floor(random * choices));
}
