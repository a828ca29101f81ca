import * as z from 'zod';
import { parseJson } from '../shared/json.ts';
import { changeTokenSchema } from './change-token.ts';
import type { WarmMarker, WarmProgress } from './warming.ts';

/** Not among the entries: theirs start with `learning_time:`. */
export const MARKER_KEY = 'learning_time_warm:marker';
export const PROGRESS_KEY = 'learning_time_warm:progress';

const HOUR_SECONDS = 3_600;

/** The life of a warmed entry, whatever `cache_ttl_seconds` says: two days, and two hours for a late run. */
export const WARM_ENTRY_SECONDS = 50 * HOUR_SECONDS;
/**
 * The life of a marker. It outlives every entry that is older than it, those included that a function still wrote in the
 * 15 minutes that Lambda lets it run. So an entry that the marker has made a miss never becomes a hit again.
 */
export const MARKER_SECONDS = 51 * HOUR_SECONDS;
/** The life of the progress: Snowflake keeps the result of a query for 24 hours. */
export const PROGRESS_SECONDS = 24 * HOUR_SECONDS;

const count = z.int().min(0);
const name = z.string().min(1).max(200);

const markerSchema: z.ZodType<WarmMarker> = z.object({
  token: changeTokenSchema,
  selectionId: name,
  rows: count,
  completedAt: z.iso.datetime(),
});

const progressSchema: z.ZodType<WarmProgress> = z
  .object({
    token: changeTokenSchema,
    selectionId: name,
    queryId: z.string().regex(/^[A-Za-z0-9_-]{1,64}$/, 'must be 1-64 of A-Z a-z 0-9 _ -'),
    totalRows: count,
    confirmedRows: count,
    unreadableRows: count,
    startedAt: z.iso.datetime(),
    isShrinkAccepted: z.boolean(),
  })
  .refine(({ confirmedRows, totalRows }) => confirmedRows <= totalRows, 'confirms more rows than there are')
  .refine(({ unreadableRows, confirmedRows }) => unreadableRows <= confirmedRows, 'has unreadable rows to confirm');

/** @throws ZodError if the next run could not read it */
export function encodeMarker(marker: WarmMarker): string {
  return JSON.stringify(markerSchema.parse(marker));
}

/** @returns undefined if the text is invalid */
export function decodeMarker(text: string): WarmMarker | undefined {
  return markerSchema.safeParse(parseJson(text)).data;
}

/** @throws ZodError if the next run could not read it */
export function encodeProgress(progress: WarmProgress): string {
  return JSON.stringify(progressSchema.parse(progress));
}

/** @returns undefined if the text is invalid */
export function decodeProgress(text: string): WarmProgress | undefined {
  return progressSchema.safeParse(parseJson(text)).data;
}
