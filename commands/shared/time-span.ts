import * as z from 'zod';
import type { Span } from '../../lambdas/ledger/ports.ts';
import { UsageError } from '../../local/command-line.ts';
import { shortTime } from './short-time.ts';

export { shortTime };

/** What `--since` and `--until` take. */
export const TIME_FORMS = '30m, 24h or 7d ago, 2026-01-31 (UTC) or 2026-01-31T12:00:00Z';

/** Before there was a ledger, and after every clock that writes into it: a function's may be ahead of the operator's. */
const BEGINNING = '1970-01-01T00:00:00.000Z';
const END = '9999-12-31T23:59:59.999Z';

/** `--since` and `--until`, each one of `TIME_FORMS`. */
export interface TimeOptions {
  readonly since?: string | undefined;
  readonly until?: string | undefined;
}

/** The units of a duration, in milliseconds. */
export const UNITS_MS: Readonly<Record<string, number>> = { m: 60_000, h: 3600_000, d: 24 * 3600_000 };
const DAY_MS = 24 * 3600_000;

/**
 * The span between `--since` and `--until`, both included; a day counts whole. Without `--until` it has no end.
 *
 * @param usualSince where there is no `--since`; without it the span has no beginning
 * @throws UsageError where it ends before it begins
 */
export function readSpan({ since, until }: TimeOptions, nowMs: number, usualSince?: string): Span {
  const begun = since ?? usualSince;
  const from = begun === undefined ? BEGINNING : iso(timeMs(begun, nowMs));
  if (until === undefined) return { from, until: END };
  const isDay = z.iso.date().safeParse(until).success;
  const span = { from, until: iso(timeMs(until, nowMs) + (isDay ? DAY_MS - 1 : 0)) };
  if (span.from > span.until) throw new UsageError(`--until ${until} is before ${since ?? shortTime(from)}`);
  return span;
}

/** A span in words; an end that is open is not named. */
export function formatSpan({ from, until }: Span): string {
  const parts = [
    ...(from > BEGINNING ? [`since ${shortTime(from)}`] : []),
    ...(until < END ? [`until ${shortTime(until)}`] : []),
  ];
  return parts.join(' ') || 'at any time';
}

/** A span as a JSON document has it; an end that is open is null. */
export function spanFields({ from, until }: Span): { readonly since: string | null; readonly until: string | null } {
  return { since: from > BEGINNING ? from : null, until: until < END ? until : null };
}

const AGO = /^(\d{1,5})([mhd])$/;

/** Whether a text is a time in one of `TIME_FORMS`. */
export function isTime(text: string): boolean {
  return [
    AGO.test(text),
    z.iso.date().safeParse(text).success,
    z.iso.datetime({ offset: true }).safeParse(text).success,
  ].includes(true);
}

/** In epoch milliseconds; of a day, its beginning in UTC. @param text one of `TIME_FORMS` */
function timeMs(text: string, nowMs: number): number {
  const [, count = '', unit = ''] = AGO.exec(text) ?? [];
  return unit === '' ? Date.parse(text) : nowMs - Number(count) * (UNITS_MS[unit] ?? 0);
}

function iso(ms: number): string {
  return new Date(ms).toISOString();
}
