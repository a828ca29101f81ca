import type { SettledEnrichment } from '../contract/delivery.ts';
import { parseKeepingNumbers } from './json-text.ts';

/** The object that document 001, section 3.2, adds to a completion. */
export interface LearningTimeObject {
  /** Whole seconds, 0 or more. */
  readonly total_seconds: number;
  /** Hours, rounded to 2 decimals. */
  readonly total_hours: number;
  /** The warehouse's batch date, midnight UTC. */
  readonly last_updated: string;
}

export function learningTimeObject(totalSeconds: number, lastUpdated: string): LearningTimeObject {
  return {
    total_seconds: totalSeconds,
    total_hours: Math.round(totalSeconds / 36) / 100,
    last_updated: lastUpdated,
  };
}

/**
 * The exact body of a webhook: the LMS's payload as it came, with `learning_time` where it is known. A `learning_time`
 * that the LMS put there itself is replaced by the warehouse's, and left alone where there is none.
 */
export function composeBody(payload: string, enrichment: SettledEnrichment): string {
  if (enrichment.status === 'plain') return payload;
  const fields = parseKeepingNumbers(payload) as Record<string, unknown>;
  const learningTime = learningTimeObject(enrichment.total_seconds, enrichment.last_updated);
  return JSON.stringify({ ...fields, learning_time: learningTime });
}
