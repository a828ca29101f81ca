import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { SettledEnrichment } from '../../lambdas/contract/delivery.ts';
import { PAYLOAD_FORMATS, type PayloadFormat } from '../../lambdas/contract/integration.ts';
import { composePayload } from '../../lambdas/domain/payload.ts';
import { type DurationUnit, learningTimeObject } from '../../lambdas/domain/payload-formats.ts';
import { anyString, jsonObjectText, jsonText } from '../support/arbitraries.ts';
import { ENRICHED, integration, PLAIN } from '../support/factories.ts';
import { type JsonValue, members, readJsonValue } from '../support/json-values.ts';

const LAST_UPDATED = '2026-01-10T00:00:00Z';

function compose(
  format: PayloadFormat,
  payload: string,
  enrichment: SettledEnrichment,
  unit: DurationUnit = 'seconds',
) {
  return composePayload({
    payload,
    eventType: 'course_completion',
    enrichment,
    integration: integration({ payload_format: format, duration_unit: unit }),
  });
}

/** The body of what must compose. */
function body(...args: Parameters<typeof compose>): string {
  const composed = compose(...args);
  if ('fault' in composed) throw new Error(composed.fault);
  return composed.body;
}

const withSeconds = (totalSeconds: number) => ({ ...ENRICHED, total_seconds: totalSeconds });
const seconds = fc.nat({ max: 1_000_000_000 });

/** Members of an object's text, as JSON again: a text of the test's own with the wanted members first. */
const objectWith = (fixed: string) =>
  jsonObjectText.map((rest) => `{${fixed}${rest === '{}' ? '' : ','}${rest.slice(1)}`);

describe('an enrollment', () => {
  test('is the payload, byte for byte, whatever the format', () => {
    const enrichments = fc.constantFrom<SettledEnrichment>(PLAIN, ENRICHED);
    fc.assert(
      fc.property(fc.constantFrom(...PAYLOAD_FORMATS), enrichments, jsonText, (format, enrichment, payload) => {
        const parts = { payload, enrichment, integration: integration({ payload_format: format }) };
        expect(composePayload({ ...parts, eventType: 'course_enrollment' })).toEqual({ body: payload });
      }),
    );
  });
});

describe('learning_time_object', () => {
  test('without learning time is the payload, byte for byte', () => {
    fc.assert(
      fc.property(jsonObjectText, (payload) => {
        expect(body('learning_time_object', payload, PLAIN)).toBe(payload);
      }),
    );
  });

  test('with learning time is the payload value for value, but for learning_time', () => {
    fc.assert(
      fc.property(jsonObjectText, (payload) => {
        const before = members(payload);
        const after = members(body('learning_time_object', payload, ENRICHED));
        expect(after.get('learning_time')).toEqual(
          readJsonValue(JSON.stringify(learningTimeObject(ENRICHED.total_seconds, ENRICHED.last_updated))),
        );
        before.delete('learning_time');
        after.delete('learning_time');
        expect(after).toEqual(before);
      }),
      { numRuns: 300 },
    );
  });

  test('has the warehouse’s learning time in place of one that the LMS put there', () => {
    fc.assert(
      fc.property(jsonText, (value) => {
        const text = body('learning_time_object', `{"learning_time":${value},"score":1.0}`, ENRICHED);
        expect(JSON.parse(text).learning_time).toEqual(learningTimeObject(18_540, LAST_UPDATED));
        expect(text).toContain('"score":1.0');
      }),
    );
  });

  test('says a true 0 as 0', () => {
    expect(body('learning_time_object', '{}', withSeconds(0))).toBe(
      `{"learning_time":{"total_seconds":0,"total_hours":0,"last_updated":"${LAST_UPDATED}"}}`,
    );
  });
});

describe('completion_field', () => {
  test('has whole seconds in the object completion, and all else value for value', () => {
    fc.assert(
      fc.property(jsonObjectText, jsonObjectText, seconds, (completion, rest, total) => {
        const payload = `{"completion":${completion},"rest":${rest}}`;
        const after = members(body('completion_field', payload, withSeconds(total)));
        const wanted = members(completion).set('learning_time', { number: String(total) });
        expect(new Map((after.get('completion') as { object: [string, JsonValue][] }).object)).toEqual(wanted);
        expect(after.get('rest')).toEqual(readJsonValue(rest));
        expect(after.size).toBe(2);
      }),
      { numRuns: 200 },
    );
  });

  test('takes the place of the LMS’s own learning time, and keeps the digits of its neighbours', () => {
    const payload = '{"completion":{"learning_time":"a while","percent_grade":0.90},"score":1.0}';
    expect(body('completion_field', payload, withSeconds(3600))).toBe(
      '{"completion":{"learning_time":3600,"percent_grade":0.90},"score":1.0}',
    );
  });

  test('without learning time is the payload, byte for byte', () => {
    fc.assert(
      fc.property(objectWith('"completion" : { "passed" :true, "grade":0.90 }'), (payload) => {
        expect(body('completion_field', payload, PLAIN)).toBe(payload);
      }),
    );
  });

  test('creates the object in the flat document that Open edX sends, once the time is known', () => {
    const flat = '{"content_id":"course:Org+Course","user":null,"completion_percentage":100.0';
    expect(body('completion_field', `${flat}}`, withSeconds(3600))).toBe(
      `${flat},"completion":{"learning_time":3600}}`,
    );
    expect(body('completion_field', `${flat}}`, withSeconds(0))).toBe(`${flat},"completion":{"learning_time":0}}`);
    expect(body('completion_field', `${flat},"completion":null}`, withSeconds(3600))).toBe(
      `${flat},"completion":{"learning_time":3600}}`,
    );
  });

  test.each(['{}', '{ "completion" : null }', '{"content_id":"course:Org+Course", "grade":1.0}'])(
    'leaves %s untouched while the time is unknown',
    (payload) => {
      expect(body('completion_field', payload, PLAIN)).toBe(payload);
    },
  );

  test.each(['{"completion":1.0}', '{"completion":[{}]}', '{"completion":"done"}'])(
    'has nowhere to put it in %s',
    (payload) => {
      const fault = { fault: 'the payload does not fit completion_field: completion must be an object' };
      expect(compose('completion_field', payload, ENRICHED)).toEqual(fault);
      expect(compose('completion_field', payload, PLAIN)).toEqual(fault);
    },
  );
});

describe('percipio', () => {
  const DOCUMENT =
    '"content_id":"course:Org+Course","user":null,"orgid":"7d2c1b3a-0000-4000-8000-000000000001",' +
    '"status":"completed","event_date":"2026-01-15T11:59:58Z","completion_percentage":100.0';

  test('has the duration in its flat document, and all else as the LMS wrote it', () => {
    expect(body('percipio', `{${DOCUMENT},"grade":0.90}`, ENRICHED)).toBe(
      `{${DOCUMENT},"grade":0.90,"duration_spent":18540}`,
    );
  });

  test.each<[DurationUnit, number, number]>([
    ['seconds', 18_541, 18_541],
    ['minutes', 18_541, 309.02],
    ['hours', 18_541, 5.15],
    ['minutes', 0, 0],
    ['hours', 18, 0.01],
  ])('counts in %s: %i seconds are %d', (unit, total, expected) => {
    const document = JSON.parse(body('percipio', `{${DOCUMENT},"duration_spent":7}`, withSeconds(total), unit));
    expect(document.duration_spent).toBe(expected);
  });

  test('without learning time is the payload, byte for byte', () => {
    const payload = `{ ${DOCUMENT} , "duration_spent": 12.50 }`;
    expect(body('percipio', payload, PLAIN)).toBe(payload);
  });

  test.each([ENRICHED, PLAIN])(
    'is refused where the LMS’s part is wrong, with learning time or without',
    (enrichment) => {
      const payload = `{${DOCUMENT.replace('completed', 'learner@example.com').replace('100.0', '1e400')}}`;
      expect(compose('percipio', payload, enrichment)).toEqual({
        fault:
          'the payload does not fit percipio: status must be completed or started; completion_percentage must be a number',
      });
    },
  );
});

describe('a payload that is no object (a dead letter, mended by hand)', () => {
  test.each(['{', '[1]', '5', '1.0', 'null'])('%s is refused', (payload) => {
    for (const format of PAYLOAD_FORMATS) {
      expect(compose(format, payload, ENRICHED)).toEqual({ fault: 'the payload is no JSON object' });
    }
    expect(compose('completion_field', payload, PLAIN)).toEqual({ fault: 'the payload is no JSON object' });
    expect(compose('percipio', payload, PLAIN)).toEqual({ fault: 'the payload is no JSON object' });
  });
});

describe('whatever an LMS sends', () => {
  test('is composed or refused, never thrown over; a refusal repeats no value', () => {
    const secretText = 'learner@example.com';
    const value = fc.oneof(
      jsonText,
      fc.constant(JSON.stringify(secretText)),
      anyString.map((text) => JSON.stringify(text)),
    );
    const fields = ['completion', 'content_id', 'user', 'status', 'event_date', 'completion_percentage'];
    fc.assert(
      fc.property(
        fc.constantFrom(...PAYLOAD_FORMATS),
        fc.constantFrom<SettledEnrichment>(ENRICHED, PLAIN),
        fc.tuple(...fields.map(() => value)),
        (format, enrichment, values) => {
          const payload = `{${fields.map((field, index) => `"${field}":${values[index]}`).join(',')}}`;
          const composed = compose(format, payload, enrichment);
          if ('fault' in composed) expect(composed.fault).not.toContain(secretText);
          else expect(() => JSON.parse(composed.body)).not.toThrow();
        },
      ),
    );
  });
});
