import { randomBytes } from 'node:crypto';
import type { DecidedEnrichment } from '../../lambdas/events/delivery.ts';
import {
  definitionOfType,
  EVENT_TYPES,
  type EventType,
  KINDS,
  typeOfKind,
} from '../../lambdas/events/event-types/event-types.ts';
import { encryptFields } from '../../lambdas/partners/field-encryption.ts';
import { type Integration, integrationSchema } from '../../lambdas/partners/integration.ts';
import { composePayload } from '../../lambdas/partners/payload.ts';
import {
  definitionOfFormat,
  PAYLOAD_FORMATS,
  type PayloadFormat,
} from '../../lambdas/partners/payload-formats/payload-formats.ts';
import { enrollment, LEARNER, lead } from '../../local/demo/sample-events.ts';
import type { SampleBody } from './kit/sample-body.ts';

/**
 * Payloads of the kinds that no payload format has a sample of, by kind.
 *
 * @param time UTC with seconds, `2026-01-15T12:00:00Z`
 */
const SAMPLES: Readonly<Record<string, (time: string) => object>> = {
  course_enrollment: () => enrollment('', '', LEARNER.known).payload,
  'lead.hot': (time) => lead('', '', LEARNER.known, 'hot', time).payload,
  'lead.calculated': (time) => lead('', '', LEARNER.known, 'calculated', time).payload,
  'lead.cold': (time) => lead('', '', LEARNER.known, 'cold', time).payload,
};

/** Fields that an event may have in addition. A receiver that parses and serializes them changes the numbers. */
const NUMBERS = '"numbers":{"decimal":1.0,"exponent":1e2,"long":12345678901234567890}';

/**
 * Bodies of every event type in every payload format, with and without learning time, composed by the functions' own code.
 *
 * @param nowMs epoch milliseconds: the time that the samples name
 */
export async function sampleBodies(nowMs: number): Promise<readonly SampleBody[]> {
  const time = `${new Date(nowMs).toISOString().slice(0, 'YYYY-MM-DDTHH:MM:SS'.length)}Z`;
  const bodies = PAYLOAD_FORMATS.map(async (format) => [
    ...(await Promise.all(enrichedTypes().map((type) => enrichedBodies(type, format, time)))).flat(),
    ...otherBodies(format, time),
  ]);
  return (await Promise.all(bodies)).flat();
}

function enrichedTypes(): readonly EventType[] {
  return EVENT_TYPES.filter((type) => definitionOfType(type).enrichment !== 'none');
}

/** Kinds whose body is the LMS's payload in every format, and of which there is no sample. */
export function kindsWithoutSample(): readonly string[] {
  return KINDS.filter((kind) => definitionOfType(typeOfKind(kind)).enrichment === 'none' && !(kind in SAMPLES));
}

function otherBodies(format: PayloadFormat, time: string): readonly SampleBody[] {
  return Object.entries(SAMPLES).map(([kind, sample]) => {
    const eventType = typeOfKind(kind);
    const body = compose(eventType, format, time, JSON.stringify(sample(time)), NO_LEARNING_TIME);
    return { name: `${kind}, ${format}`, eventType, payloadFormat: format, body };
  });
}

const NO_LEARNING_TIME: DecidedEnrichment = { status: 'not_enriched', reason: 'no_data' };

async function enrichedBodies(eventType: EventType, format: PayloadFormat, time: string): Promise<SampleBody[]> {
  const payload = JSON.stringify(definitionOfFormat(format).sample(time));
  const last_updated = `${time.slice(0, 'YYYY-MM-DD'.length)}T00:00:00Z`;
  const ofSeconds = (total_seconds: number): DecidedEnrichment => {
    return { status: 'enriched', total_seconds, last_updated, source: 'warehouse' };
  };
  const known = ofSeconds(18_540);
  const encryptionKey = randomBytes(32).toString('base64');
  const withEmail = compose(eventType, format, time, withField(payload, '"email":"learner@example.com"'), known);
  const sample = (what: string, body: string) => {
    return { name: `${eventType}, ${format}, ${what}`, eventType, payloadFormat: format, body };
  };
  return [
    sample('with learning time', compose(eventType, format, time, payload, known)),
    sample('without learning time', compose(eventType, format, time, payload, NO_LEARNING_TIME)),
    sample('learning time of 0', compose(eventType, format, time, payload, ofSeconds(0))),
    sample('numbers that JSON libraries rewrite', compose(eventType, format, time, withField(payload, NUMBERS), known)),
    {
      ...sample('encrypted field "email"', await encryptFields(withEmail, ['email'], encryptionKey)),
      encryptionKey,
    },
  ];
}

/** @param field JSON text: a name and its value */
function withField(payload: string, field: string): string {
  return `${payload.slice(0, -1)},${field}}`;
}

function integrationOf(format: PayloadFormat): Integration {
  return integrationSchema.parse({ id: 'partner-kit', url: 'https://partner.example/hooks', payload_format: format });
}

/** @throws Error if the format refuses its own sample */
function compose(
  event_type: EventType,
  format: PayloadFormat,
  occurred_at: string,
  payload: string,
  enrichment: DecidedEnrichment,
): string {
  const event = { event_id: 'partner-kit', event_type, occurred_at, payload };
  const composed = composePayload(event, enrichment, integrationOf(format));
  if ('fault' in composed) throw new Error(composed.fault);
  return composed.body;
}
