import * as z from 'zod';

/**
 * The field of an event, the SQS message attribute, and the header of a webhook that have the trace context (W3C Trace
 * Context, level 1). The pipeline creates no spans, so it forwards the publisher's, and the partner's span is its child.
 */
export const TRACEPARENT = 'traceparent';

/** Version 00: trace id, parent id and flags in lower-case hexadecimal; neither id is all zeros. */
const VERSION_00 = /^00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/;

/** A later version, which may have more fields; ff is invalid. */
const LATER_VERSION = /^(?!00|ff)[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-|$)/;

/** The flag `sampled`. In a later version the others may have another meaning. */
const SAMPLED = 1;

export const traceparentSchema = z.string().regex(VERSION_00);

/**
 * Reads a `traceparent` in any version. The recommendation prescribes that a later version is read like version 00, and
 * sent on as version 00.
 *
 * @returns a `traceparent` of version 00; undefined if the value is none
 */
export function readTraceparent(value: unknown): string | undefined {
  if (typeof value !== 'string') return undefined;
  const [isLater, traceId, parentId, flags] = LATER_VERSION.exec(value) ?? [];
  const read =
    isLater === undefined ? value : `00-${traceId}-${parentId}-0${Number.parseInt(flags ?? '', 16) & SAMPLED}`;
  return VERSION_00.test(read) ? read : undefined;
}

/** The trace id, for logs. @param traceparent of version 00 */
export function traceIdOf(traceparent: string): string {
  return traceparent.slice('00-'.length, '00-'.length + 32);
}
