import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { schemaFile } from '../../commands/partner-kit/body-schemas.ts';
import { schemaFiles } from '../../commands/partner-kit/partner-kit.ts';
import { kindsWithoutSample } from '../../commands/partner-kit/sample-bodies.ts';
import { definitionOfType, EVENT_TYPES, type EventType } from '../../lambdas/events/event-types/event-types.ts';
import { lead } from '../../lambdas/events/event-types/lead/lead.ts';
import { composePayload } from '../../lambdas/partners/payload.ts';
import { PAYLOAD_FORMATS, type PayloadFormat } from '../../lambdas/partners/payload-formats/payload-formats.ts';
import { jsonObjectText } from '../support/arbitraries.ts';
import { ENRICHED, integration, NOT_ENRICHED, subject } from '../support/factories.ts';
import { PUBLISHED_SCHEMAS, schemaFaults } from '../support/published-schemas.ts';

const examplesOf = (text: string): object[] => JSON.parse(text).examples;

test('the published schemas are what ./ltw partner-kit --schemas docs/partner/schemas writes', async () => {
  expect(Object.fromEntries(PUBLISHED_SCHEMAS)).toEqual(Object.fromEntries(await schemaFiles()));
});

test('every kind of event has a sample', () => {
  expect(kindsWithoutSample()).toEqual([]);
  expect([...PUBLISHED_SCHEMAS.values()].map((text) => examplesOf(text).length > 0)).not.toContain(false);
});

/** The event type and the format of each schema. */
const combinations = EVENT_TYPES.flatMap((type) =>
  PAYLOAD_FORMATS.map((format): [EventType, PayloadFormat] => [type, format]),
);
const enriched = combinations.filter(([type]) => definitionOfType(type).enrichment !== 'none');

/** Values that a field may have where another one is expected. */
const ODD_VALUES = [undefined, null, 0, -1, 1.5, '', 'x', [], {}, { learning_time: 1.5 }, { learning_time: null }];

/** Each example as it is, and with each field, and each field of its objects, replaced by each odd value. */
function variants(example: object): object[] {
  const changed = Object.entries(example).flatMap(([name, value]) => [
    ...ODD_VALUES.map((odd) => ({ ...example, [name]: odd })),
    ...(typeof value === 'object' && value !== null && !Array.isArray(value)
      ? variants(value).map((inner) => ({ ...example, [name]: inner }))
      : []),
  ]);
  return [example, ...changed].map((variant) => JSON.parse(JSON.stringify(variant)));
}

describe('a schema and the functions agree', () => {
  test.each(enriched)('%s, %s: what is composed fits, and what is refused does not', (event_type, payload_format) => {
    const receiver = integration({ payload_format });
    const text = PUBLISHED_SCHEMAS.get(schemaFile(event_type, payload_format)) ?? '';
    const verdicts = examplesOf(text)
      .flatMap(variants)
      .map((variant) => {
        const payload = JSON.stringify(variant);
        const isFitting = schemaFaults(event_type, payload_format, payload).length === 0;
        const event = subject({ event_type, payload });
        const withTime = composePayload(event, ENRICHED, receiver);
        const withTimeFaults =
          'body' in withTime ? schemaFaults(event_type, payload_format, withTime.body, 'with_learning_time') : [];
        const isComposed = 'body' in composePayload(event, NOT_ENRICHED, receiver);
        return { payload, isFitting, isComposed, withTimeFaults };
      });
    expect(verdicts.filter(({ isFitting, isComposed }) => isFitting !== isComposed)).toEqual([]);
    expect(verdicts.filter(({ withTimeFaults }) => withTimeFaults.length > 0)).toEqual([]);
    expect(verdicts.some(({ isFitting }) => isFitting)).toBe(true);
    // Any payload fits the default format.
    expect(verdicts.some(({ isFitting }) => !isFitting)).toBe(payload_format !== PAYLOAD_FORMATS[0]);
  });

  test('any body that is composed fits', () => {
    const combination = fc.constantFrom(...enriched);
    fc.assert(
      fc.property(combination, jsonObjectText, fc.boolean(), ([event_type, payload_format], payload, isEnriched) => {
        const event = subject({ event_type, payload });
        const composed = composePayload(event, isEnriched ? ENRICHED : NOT_ENRICHED, integration({ payload_format }));
        if ('body' in composed) expect(schemaFaults(event_type, payload_format, composed.body)).toEqual([]);
      }),
    );
  });

  test('lead: what is accepted fits, and what is rejected does not', () => {
    const examples = examplesOf(PUBLISHED_SCHEMAS.get('lead.json') ?? '');
    const isAccepted = (payload: object) => {
      if (!lead.payload.safeParse(payload).success) return false;
      const kind = lead.kinds.byName[(payload as { lead_type: 'hot' }).lead_type];
      return kind.payload?.safeParse(payload).success ?? true;
    };
    const verdicts = examples.flatMap(variants).map((payload) => {
      const isFitting = schemaFaults('lead', 'percipio', JSON.stringify(payload)).length === 0;
      return { payload, isFitting, isAccepted: isAccepted(payload) };
    });
    expect(verdicts.filter((one) => one.isFitting !== one.isAccepted)).toEqual([]);
    expect(new Set(verdicts.map(({ isFitting }) => isFitting))).toEqual(new Set([true, false]));
  });
});
