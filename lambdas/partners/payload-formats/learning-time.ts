import * as z from 'zod';

const UNIT_SECONDS = { seconds: 1, minutes: 60, hours: 3600 } as const;
type DurationUnit = keyof typeof UNIT_SECONDS;

/** @returns the duration in a unit, rounded to 2 decimals */
export function inUnit(seconds: number, unit: DurationUnit): number {
  return Math.round((seconds * 100) / UNIT_SECONDS[unit]) / 100;
}

export const wholeSecondsSchema = z.int('must be whole seconds').min(0, 'must be 0 or more');
