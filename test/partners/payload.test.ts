import { describe, expect, jest, test } from '@jest/globals';
import fc from 'fast-check';
import type { DecidedEnrichment } from '../../lambdas/events/delivery.ts';
import { composePayload } from '../../lambdas/partners/payload.ts';
import {
  definitionOfFormat,
  PAYLOAD_FORMATS,
  type PayloadFormat,
} from '../../lambdas/partners/payload-formats/payload-formats.ts';
import { isRecord } from '../../lambdas/shared/json.ts';
import { jsonObjectText, jsonText } from '../support/arbitraries.ts';
import { ENRICHED, integration, NOT_ENRICHED, subject } from '../support/factories.ts';
import { type JsonValue, members, readJsonValue } from '../support/json-values.ts';

const LEARNING_TIME = '{"total_seconds":18540,"total_hours":5.15,"last_updated":"2026-01-10T00:00:00Z"}';
const ENRICHMENTS: readonly DecidedEnrichment[] = [ENRICHED, NOT_ENRICHED];

function compose(payload_format: PayloadFormat, payload: string, enrichment: DecidedEnrichment, options: object = {}) {
  return composePayload(subject({ payload }), enrichment, integration({ payload_format, ...options }));
}

/** The body of a payload that must compose. */
function body(...args: Parameters<typeof compose>): string {
  const composed = compose(...args);
  if ('fault' in composed) throw new Error(composed.fault);
  return composed.body;
}

function fault(...args: Parameters<typeof compose>): string | undefined {
  const composed = compose(...args);
  return 'fault' in composed ? composed.fault : undefined;
}

const withSeconds = (totalSeconds: number) => ({ ...ENRICHED, total_seconds: totalSeconds });

/** A JSON object with any members after fixed ones. */
const objectWith = (fixed: string) =>
  jsonObjectText.map((rest) => `{${fixed}${rest === '{}' ? '' : ','}${rest.slice(1)}`);

const DOCUMENT =
  '"content_id":"course:Org+Course","user":null,"orgid":"7d2c1b3a-0000-4000-8000-000000000001",' +
  '"status":"completed","event_date":"2026-01-15T11:59:58Z","completion_percentage":100.0';

test('an enrollment is the payload, byte for byte, in every format', () => {
  const format = fc.constantFrom(...PAYLOAD_FORMATS);
  fc.assert(
    fc.property(format, fc.constantFrom(...ENRICHMENTS), jsonText, (payload_format, enrichment, payload) => {
      const event = subject({ payload, event_type: 'course_enrollment' });
      expect(composePayload(event, enrichment, integration({ payload_format }))).toEqual({ body: payload });
    }),
  );
});

test.each([
  ['learning_time_object', jsonObjectText],
  ['completion_field', objectWith('"completion" : { "passed" :true, "grade":0.90 }')],
  ['completion_field', objectWith('"completion" : null ')],
  ['completion_field', fc.constant('{"content_id":"course:Org+Course", "grade":1.0}')],
  ['percipio', objectWith(`${DOCUMENT} , "duration_spent": 12.50`)],
] as const)('without learning time the payload of %s is sent byte for byte', (format, payloads) => {
  fc.assert(fc.property(payloads, (payload) => expect(body(format, payload, NOT_ENRICHED)).toBe(payload)));
});

describe('with learning time the payload keeps every value', () => {
  test('next to the object learning_time', () => {
    fc.assert(
      fc.property(jsonObjectText, (payload) => {
        const expected = members(payload).set('learning_time', readJsonValue(LEARNING_TIME));
        expect(members(body('learning_time_object', payload, ENRICHED))).toEqual(expected);
      }),
      { numRuns: 300 },
    );
  });

  test('next to whole seconds in completion', () => {
    const seconds = fc.nat({ max: 1_000_000_000 });
    fc.assert(
      fc.property(jsonObjectText, jsonObjectText, seconds, (completion, rest, total) => {
        const payload = `{"completion":${completion},"rest":${rest}}`;
        const after = members(body('completion_field', payload, withSeconds(total)));
        const wanted = members(completion).set('learning_time', { number: String(total) });
        expect(new Map((after.get('completion') as { object: [string, JsonValue][] }).object)).toEqual(wanted);
        expect([after.size, after.get('rest')]).toEqual([2, readJsonValue(rest)]);
      }),
      { numRuns: 200 },
    );
  });

  // The LMS's own learning time is replaced; other numbers keep their digits; 0 is 0.
  const ZERO = LEARNING_TIME.replace('18540', '0').replace('5.15', '0');
  test.each([
    [
      'learning_time_object',
      '"learning_time":"a while","score":1.0',
      18_540,
      `"learning_time":${LEARNING_TIME},"score":1.0`,
    ],
    ['learning_time_object', '"score":1.0', 0, `"score":1.0,"learning_time":${ZERO}`],
    [
      'completion_field',
      '"completion":{"learning_time":"a while","percent_grade":0.90},"score":1.0',
      3600,
      '"completion":{"learning_time":3600,"percent_grade":0.90},"score":1.0',
    ],
    ['completion_field', DOCUMENT, 0, `${DOCUMENT},"completion":{"learning_time":0}`],
    ['completion_field', '"grade":1.0,"completion":null', 3600, '"grade":1.0,"completion":{"learning_time":3600}'],
    ['percipio', `${DOCUMENT},"grade":0.90`, 18_540, `${DOCUMENT},"grade":0.90,"duration_spent":18540`],
    ['percipio', `${DOCUMENT},"duration_spent":"a while"`, 0, `${DOCUMENT},"duration_spent":0`],
  ] as const)('%s: %s and %i seconds', (format, payload, seconds, expected) => {
    expect(body(format, `{${payload}}`, withSeconds(seconds))).toBe(`{${expected}}`);
  });

  test('in the unit of the integration', () => {
    const composed = JSON.parse(body('percipio', `{${DOCUMENT}}`, ENRICHED, { duration_unit: 'minutes' }));
    expect(composed.duration_spent).toBe(309);
  });
});

describe('a payload does not fit', () => {
  test.each(['{', '[1]', '5', '1.0', 'null'])(
    'if it is no object, as in a dead-letter message edited by an operator: %s',
    (payload) => {
      for (const format of PAYLOAD_FORMATS) {
        for (const enrichment of ENRICHMENTS) {
          expect(fault(format, payload, enrichment)).toBe('the payload is no JSON object');
        }
      }
    },
  );

  test.each(['1.0', '[{}]', '"done"'])('completion_field with the completion %s', (completion) => {
    for (const enrichment of ENRICHMENTS) {
      expect(fault('completion_field', `{"completion":${completion}}`, enrichment)).toBe(
        'the payload does not fit completion_field: completion must be an object',
      );
    }
  });

  test.each([
    [true, ['null', '0', '36e2']],
    [false, ['"3600"', '3600.5', '-1', '{}']],
  ])('completion_field without learning time, unless the LMS’s own is right (%p): %j', (fits, times) => {
    for (const time of times) {
      const payload = `{"completion":{"learning_time":${time}}}`;
      expect(fault('completion_field', payload, ENRICHED)).toBeUndefined();
      const found = fault('completion_field', payload, NOT_ENRICHED);
      expect(found ?? 'fits').toMatch(fits ? /^fits$/ : /completion\.learning_time must be/);
    }
  });
});

describe('Percipio’s document', () => {
  const PERCIPIO = JSON.parse(`{${DOCUMENT},"duration_spent":60}`);
  const faultWith = (changes: object, enrichment: DecidedEnrichment = NOT_ENRICHED) =>
    fault('percipio', JSON.stringify({ ...PERCIPIO, ...changes }), enrichment);

  test.each([
    ['a started course', { status: 'started', completion_percentage: 0 }],
    ['no user and organisation', { user: null, orgid: null }],
    ['a UUID of no version', { user: '7d2c1b3a-0000-0000-0000-000000000011' }],
    ['a run in its content id', { content_id: 'course:Org+Course.1x+2026_T1' }],
    ['a fraction of a percentage', { completion_percentage: 99.5 }],
    ['further fields', { grade: 'A', details: { any: ['thing'] } }],
    ['no duration', { duration_spent: undefined }],
    ['null for a duration', { duration_spent: null }],
  ])('fits with %s', (_what, changes) => {
    for (const enrichment of ENRICHMENTS) expect(faultWith(changes, enrichment)).toBeUndefined();
  });

  const UUID = '7d2c1b3a-0000-4000-8000-000000000011';
  const OTHER_TIMES = ['2026-01-15T11:59Z', '2026-01-15T11:59:58', '2026-01-15T11:59:58.123Z', '2026-01-15T24:00:00Z'];
  test.each([
    ['content_id', [undefined, null, 5, '', 'Org+Course', 'course:Org', 'course:Org+', 'course:Org+A course']],
    ['content_id', ['course-v1:Org+Course']],
    ['user', [undefined, 42, 'learner@example.com', [UUID], '7d2c1b3a00004000800000000000001']],
    ['orgid', [undefined, 42, '', {}]],
    ['status', [undefined, null, 'Completed', 'passed', 1]],
    ['event_date', [undefined, null, 1_768_478_398, '2026-01-15', ...OTHER_TIMES, '2026-02-30T11:59:58Z']],
    ['event_date', ['2026-01-15T11:59:58+00:00']],
    ['completion_percentage', [undefined, null, '100', -0.1, 100.1]],
    ['duration_spent', ['60', -1, [60]]],
  ])('does not fit with a wrong %s: %j', (field, values) => {
    const expected = new RegExp(`^the payload does not fit percipio: ${field} must be [^;]*$`);
    for (const value of values) expect(faultWith({ [field]: value })).toMatch(expected);
  });

  test('fits if a number is only written in another way, and not if it is infinite', () => {
    const payload = (percentage: string) => `{${DOCUMENT.replace('100.0', percentage)},"duration_spent":0.0}`;
    expect(fault('percipio', payload('1.00e2'), NOT_ENRICHED)).toBeUndefined();
    expect(fault('percipio', payload('1e400'), NOT_ENRICHED)).toBe(
      'the payload does not fit percipio: completion_percentage must be a number',
    );
  });

  test('has every fault named, and no value', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...Object.keys(PERCIPIO)), { minLength: 1 }), (wrong) => {
        const reason = faultWith(Object.fromEntries(wrong.map((field) => [field, 'learner@example.com'])));
        for (const field of Object.keys(PERCIPIO)) expect(reason?.includes(field)).toBe(wrong.includes(field));
        expect(reason).not.toContain('learner');
        expect(reason?.length).toBeLessThan(500);
      }),
    );
  });
});

/** A JSON text in which some values are written otherwise. An object's member whose text is undefined is left out. */
function textOf(value: unknown, write: (value: unknown) => { readonly text: string | undefined } | undefined): string {
  const written = (inner: unknown) => {
    const own = write(inner);
    return own === undefined ? textOf(inner, write) : own.text;
  };
  if (Array.isArray(value)) return `[${value.map((item) => written(item) ?? 'null').join(',')}]`;
  if (!isRecord(value)) return JSON.stringify(value);
  const texts = Object.entries(value).flatMap(([name, inner]) => {
    const text = written(inner);
    return text === undefined ? [] : `${JSON.stringify(name)}:${text}`;
  });
  return `{${texts.join(',')}}`;
}

/** Every value in a JSON value, objects and arrays among them. */
function valuesIn(value: unknown): readonly unknown[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.values(value).flatMap((inner) => [inner, ...valuesIn(inner)]);
}

describe.each(PAYLOAD_FORMATS)('the sample of %s', (format) => {
  const sample = definitionOfFormat(format).sample('2026-01-15T12:00:00Z');
  const count = valuesIn(sample).length;
  /** The sample with other texts in place of some values, by their position in `valuesIn`. */
  const withTexts = (texts: ReadonlyMap<number, string | undefined>) => {
    let position = -1;
    return textOf(sample, () => {
      position += 1;
      return texts.has(position) ? { text: texts.get(position) } : undefined;
    });
  };
  const cannotCompose = `${format} cannot compose`;

  test.each([
    ['0.90', (number: number) => number.toFixed(2)],
    ['90e-2', (number: number) => `${number * 100}e-2`],
    ['9.00e-1', (number: number) => number.toExponential(2)],
  ])('is composed alike if its numbers are written as %s', (_, spell) => {
    const spelled = textOf(sample, (value) => (typeof value === 'number' ? { text: spell(value) } : undefined));
    expect(spelled).not.toBe(JSON.stringify(sample));
    for (const enrichment of ENRICHMENTS) {
      const expected = JSON.parse(body(format, JSON.stringify(sample), enrichment));
      expect(JSON.parse(body(format, spelled, enrichment))).toEqual(expected);
    }
  });

  test('is composed or refused with any values in place of its own, or without them, and nothing is thrown', () => {
    const replaced = fc.dictionary(fc.nat({ max: count - 1 }).map(String), fc.option(jsonText, { nil: undefined }), {
      minKeys: 1,
      maxKeys: 3,
    });
    fc.assert(
      fc.property(fc.constantFrom(...ENRICHMENTS), replaced, (enrichment, texts) => {
        const payload = withTexts(new Map(Object.entries(texts).map(([position, text]) => [Number(position), text])));
        const composed = compose(format, payload, enrichment);
        if ('fault' in composed) expect(composed.fault).not.toContain(cannotCompose);
        else expect(() => JSON.parse(composed.body)).not.toThrow();
      }),
      { numRuns: 200 },
    );
  });

  test.each(['"learner@example.com"', '["learner@example.com"]', '{"email":"learner@example.com"}', '987654.3210'])(
    'is refused without the value %s in the reason, in place of each of its own and of all',
    (text) => {
      const positions = [...Array(count).keys()];
      const payloads = [...positions.map((position) => [position]), positions].map((some) =>
        withTexts(new Map(some.map((position) => [position, text]))),
      );
      for (const enrichment of ENRICHMENTS) {
        for (const payload of payloads)
          expect(fault(format, payload, enrichment) ?? 'fits').not.toMatch(/learner|987654/);
      }
    },
  );
});

test('an error of a format’s code is a fault with its name, and without its message', () => {
  const percipio = definitionOfFormat('percipio');
  const compose = jest.spyOn(percipio, 'compose').mockImplementation(({ payload }) => {
    throw new TypeError(`no number: ${payload.user}`);
  });
  try {
    for (const enrichment of ENRICHMENTS) {
      expect(fault('percipio', '{"user":"learner@example.com"}', enrichment)).toBe(
        'percipio cannot compose the payload: TypeError',
      );
    }
  } finally {
    compose.mockRestore();
  }
});
