import type { SettledEnrichment } from '../contract/delivery.ts';
import { definitionOfType, type EventType } from '../contract/event-types/event-types.ts';
import type { Integration } from '../contract/integration.ts';
import { isJsonObject } from './json-object.ts';
import { parseMessageText } from './json-text.ts';
import { fillFormat, formatFault, judgesPlain } from './payload-formats.ts';

/** What an integration is to get of one event. */
export interface PayloadParts {
  /** The LMS's payload, as JSON text. */
  readonly payload: string;
  readonly eventType: EventType;
  readonly enrichment: SettledEnrichment;
  readonly integration: Pick<Integration, 'payload_format' | 'duration_unit'>;
}

/** The body, or why there is none: in words, naming fields and never their values. No retry mends it. */
export type ComposedPayload = { readonly body: string } | { readonly fault: string };

/**
 * The exact body of a webhook, in the integration's format.
 *
 * - Only what takes learning time has a format: every other event is the LMS's payload, byte for byte, and is not judged.
 * - With learning time: the payload value for value, every number with its digits, and the learning time where the
 *   format has it, in place of one that the LMS put there itself.
 * - Without: the payload, byte for byte, and the LMS's own learning time, if it has one, left alone.
 */
export function composePayload({ payload, eventType, enrichment, integration }: PayloadParts): ComposedPayload {
  const { payload_format: format, duration_unit: durationUnit } = integration;
  const isPlain = enrichment.status === 'plain';
  if (definitionOfType(eventType).enrichment === 'none' || (isPlain && !judgesPlain(format))) return { body: payload };

  const fields = readFields(payload);
  if (fields === undefined) return { fault: 'the payload is no JSON object' };
  if (isPlain) {
    const fault = formatFault(format, 'plain', fields);
    return fault === undefined ? { body: payload } : { fault };
  }
  const { total_seconds: totalSeconds, last_updated: lastUpdated } = enrichment;
  const filled = fillFormat(format, fields, { totalSeconds, lastUpdated, durationUnit });
  const fault = formatFault(format, 'filled', filled);
  return fault === undefined ? { body: JSON.stringify(filled) } : { fault };
}

/** Entry has checked it; a dead letter that was mended by hand has not been through there. */
function readFields(payload: string): Record<string, unknown> | undefined {
  try {
    const fields = parseMessageText(payload);
    return isJsonObject(fields) ? fields : undefined;
  } catch {
    return undefined;
  }
}
