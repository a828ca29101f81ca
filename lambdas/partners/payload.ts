import type { DecidedEnrichment, Delivery } from '../events/delivery.ts';
import { definitionOfType } from '../events/event-types/event-types.ts';
import { errorName } from '../shared/errors.ts';
import { isRecord, parseJson } from '../shared/json.ts';
import { parseKeepingNumbers } from '../shared/json-text.ts';
import type { Integration } from './integration.ts';
import type { Fields, KnownLearningTime } from './payload-formats/payload-format.ts';
import { definitionOfFormat, type PayloadFormat } from './payload-formats/payload-formats.ts';

/** The event of a delivery, with its payload as JSON text. */
export type DeliveredEvent = Pick<Delivery, 'event_id' | 'event_type' | 'occurred_at' | 'payload'>;

/** The body, or why there is none; the reason names fields, never their values. A retry gives the same result. */
export type ComposedPayload = { readonly body: string } | { readonly fault: string };

/**
 * The exact body of a webhook, in the integration's format.
 *
 * - Only an event type that takes learning time has a format: every other event is the LMS's payload, byte for byte, and is
 *   not checked.
 * - With learning time: the payload with every value and the digits of every number unchanged, and the learning time where
 *   the format has it. It replaces a learning time that the LMS published.
 * - Without: the payload, byte for byte if the format changes nothing, including a learning time that the LMS published.
 */
export function composePayload(
  event: DeliveredEvent,
  enrichment: DecidedEnrichment,
  integration: Integration,
): ComposedPayload {
  if (definitionOfType(event.event_type).enrichment === 'none') return { body: event.payload };
  try {
    return composeInFormat(event, enrichment, integration);
  } catch (thrown) {
    // A fault of the format's code: each attempt would throw it again. The message may quote the payload.
    return { fault: `${integration.payload_format} cannot compose the payload: ${errorName(thrown)}` };
  }
}

function composeInFormat(
  event: DeliveredEvent,
  enrichment: DecidedEnrichment,
  integration: Integration,
): ComposedPayload {
  const { event_id, event_type, occurred_at, payload: text } = event;
  const learningTime = knownLearningTime(enrichment);
  const { payload_format: format } = integration;
  const compose = (payload: Fields) =>
    definitionOfFormat(format).compose({ event_id, event_type, occurred_at, payload }, learningTime, integration);

  // Valid since acceptance, except in a dead-letter message that an operator edited.
  const rounded = parseJson(text);
  if (!isRecord(rounded)) return { fault: 'the payload is no JSON object' };
  const composed = compose(rounded);
  // Few payloads have a number that JavaScript would write differently; only then every number is read with its digits.
  const isExact = composed === rounded || JSON.stringify(rounded) === text;
  const payload = isExact ? composed : compose(parseKeepingNumbers(text) as Fields);
  const body = payload === rounded ? text : JSON.stringify(payload);
  // As a partner parses it: to a schema a `JSON.rawJSON` is no number.
  const fault = formatFault(format, learningTime !== undefined, isExact ? payload : JSON.parse(body));
  return fault === undefined ? { body } : { fault };
}

function knownLearningTime(enrichment: DecidedEnrichment): KnownLearningTime | undefined {
  if (enrichment.status === 'not_enriched') return undefined;
  return { totalSeconds: enrichment.total_seconds, lastUpdated: enrichment.last_updated };
}

/**
 * Why a payload does not fit a format. The reason names fields and never their values; undefined if the payload fits.
 *
 * @param payload as a partner parses it
 */
function formatFault(format: PayloadFormat, hasLearningTime: boolean, payload: unknown): string | undefined {
  const { schema: withLearningTime, schemaWithoutLearningTime = withLearningTime } = definitionOfFormat(format);
  const schema = hasLearningTime ? withLearningTime : schemaWithoutLearningTime;
  const issues = schema.safeParse(payload).error?.issues ?? [];
  if (issues.length === 0) return undefined;
  const faults = issues.map(({ path, message }) => `${path.join('.')} ${message}`);
  return `the payload does not fit ${format}: ${faults.join('; ')}`;
}
