import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { type Acceptance, acceptEvent } from '../../lambdas/enrichment/accept-event.ts';
import { deliverySchema, MAX_REASON_CHARACTERS, MAX_WORKFLOW_INPUT_BYTES } from '../../lambdas/events/delivery.ts';
import { MAX_EVENT_BYTES } from '../../lambdas/events/event.ts';
import { newDelivery } from '../../lambdas/events/progress.ts';
import { toMessageText } from '../../lambdas/shared/json-text.ts';
import { jsonObjectText } from '../support/arbitraries.ts';
import {
  brokenEntry,
  ENTERPRISE,
  event,
  eventBody,
  eventBodyWithPayload,
  integration,
  LEARNER_DATA,
  NOW,
  OTHER_ENTERPRISE,
  PAYLOAD,
  PENDING,
  registry,
  TRACE,
} from '../support/factories.ts';
import { readJsonValue } from '../support/json-values.ts';

const known = registry(integration(), integration({ id: 'paused', active: false }));
const accept = (body: string) => acceptEvent(body, known, NOW);

function subjectOf(acceptance: Acceptance) {
  if (acceptance.verdict !== 'accepted') throw new Error(`not accepted: ${acceptance.reason}`);
  return acceptance.subject;
}

function reasonOf(acceptance: Acceptance): string {
  if (acceptance.verdict === 'accepted') throw new Error('accepted');
  return acceptance.reason;
}

describe('a valid event', () => {
  test('becomes a delivery to its integration', () => {
    expect(subjectOf(accept(eventBody({ event_id: 'event-1' })))).toEqual({
      schema_version: 1,
      webhook_id: expect.stringMatching(/^wh_[0-9a-f]{40}$/),
      event_id: 'event-1',
      event_type: 'course_completion',
      integration_id: 'acme',
      occurred_at: '2026-01-15T11:59:58Z',
      generation: 0,
      user_id: '42',
      course_id: 'course-v1:Org+Course+Run',
      enterprise_customer_uuid: ENTERPRISE,
      payload: JSON.stringify(PAYLOAD),
    });
  });

  test('keeps its payload value for value, and is a valid delivery', () => {
    fc.assert(
      fc.property(jsonObjectText, (payload) => {
        const delivery = newDelivery(subjectOf(accept(eventBodyWithPayload(payload))), PENDING);
        expect(readJsonValue(delivery.payload)).toEqual(readJsonValue(payload));
        expect(deliverySchema.parse(JSON.parse(toMessageText(delivery)))).toEqual(delivery);
      }),
      { numRuns: 100 },
    );
  });

  test('has user, course and enterprise beside its payload, or in it', () => {
    const overrides = { user_id: '7', course_id: 'course-v1:A+B+C', enterprise_customer_uuid: OTHER_ENTERPRISE };
    expect(subjectOf(accept(eventBody(overrides)))).toMatchObject(overrides);
    expect(
      subjectOf(accept(eventBody({ user_id: null, course_id: null, enterprise_customer_uuid: null }))),
    ).toMatchObject({
      user_id: '42',
      course_id: 'course-v1:Org+Course+Run',
      enterprise_customer_uuid: ENTERPRISE,
    });
  });

  test('that is a lead has the user of its payload, with any other fields', () => {
    const payload = { user_id: 7, lead_type: 'cold', timestamp: '2026-01-15T12:00:00Z' };
    for (const user_id of ['ada', 8, null]) {
      expect(subjectOf(accept(eventBody({ event_type: 'lead', user_id, payload }))).user_id).toBe('7');
    }
  });

  const pasted = [
    ENTERPRISE.toUpperCase(),
    ENTERPRISE.replaceAll('-', ''),
    ENTERPRISE.replaceAll('-', '').toUpperCase(),
  ];

  test.each(pasted)('has one enterprise in every form of its UUID: %s', (enterprise_customer_uuid) => {
    const payload = { ...PAYLOAD, enterprise: { enterprise_customer_uuid } };
    const owned = (uuid: string) => registry(integration({ enterprise_customer_uuid: uuid, region: 'EU' }));
    for (const overrides of [{ enterprise_customer_uuid }, { enterprise_customer_uuid: null, payload }]) {
      const byId = acceptEvent(eventBody(overrides), owned(ENTERPRISE), NOW);
      const byRegion = { ...overrides, integration_id: null, region: 'EU' };
      expect(subjectOf(byId).enterprise_customer_uuid).toBe(ENTERPRISE);
      expect(subjectOf(acceptEvent(eventBody(byRegion), owned(ENTERPRISE), NOW)).integration_id).toBe('acme');
      expect(subjectOf(acceptEvent(eventBody(), owned(enterprise_customer_uuid), NOW)).integration_id).toBe('acme');
    }
    expect(subjectOf(accept(eventBody({ payload }))).payload).toBe(JSON.stringify(payload));
  });

  test('without an enterprise has that of its integration', () => {
    const owned = registry(integration({ enterprise_customer_uuid: OTHER_ENTERPRISE }));
    expect(subjectOf(acceptEvent(eventBody({ payload: {} }), owned, NOW)).enterprise_customer_uuid).toBe(
      OTHER_ENTERPRISE,
    );
  });

  test.each([
    ['no user', { ...PAYLOAD, user: undefined }],
    ['a user that is a name', { ...PAYLOAD, user: { id: 'sample_learner' } }],
    ['a user that is no object', { ...PAYLOAD, user: null }],
    ['a course that is no object', { ...PAYLOAD, course: 'course-v1:Org+Course+Run' }],
    ['a course without id', { ...PAYLOAD, course: { course_id: '' } }],
    ['a course with a long id', { ...PAYLOAD, course: { course_id: 'c'.repeat(256) } }],
    ['no enterprise', { ...PAYLOAD, enterprise: undefined }],
    ['an enterprise with a colon', { ...PAYLOAD, enterprise: { enterprise_customer_uuid: 'a:b' } }],
  ])('with %s is accepted: it only gets no learning time', (_what, payload) => {
    const { user_id, course_id, enterprise_customer_uuid } = subjectOf(accept(eventBody({ payload })));
    expect([user_id, course_id, enterprise_customer_uuid].filter((id) => id === undefined)).toHaveLength(1);
  });

  test('is the same event when published again in another JSON layout, and another one as a retake', () => {
    const id = (overrides: Record<string, unknown>) => subjectOf(accept(eventBody(overrides))).event_id;
    expect(id({})).toBe(subjectOf(accept(JSON.stringify(event(), null, 2))).event_id);
    const retake = { ...PAYLOAD, completion: { ...PAYLOAD.completion, percent_grade: 0.97 } };
    expect(id({ payload: retake })).not.toBe(id({}));
    expect(id({ occurred_at: '2026-01-15T18:00:00Z' })).not.toBe(id({}));
  });
});

describe('the trace context of an event', () => {
  const { traceparent } = TRACE;
  const attribute = traceparent.replace('4bf9', '0000');
  test.each([
    ['none', undefined, undefined, { traceparent: undefined }],
    ['null', null, undefined, { traceparent: undefined }],
    ['of its field', traceparent, undefined, { traceparent }],
    ['of its message', undefined, attribute, { traceparent: attribute }],
    ['of its field rather than of its message', traceparent, attribute, { traceparent }],
    ['of its message if its field is invalid', 'odd', attribute, { traceparent: attribute }],
    ['that is invalid', { no: 'text' }, undefined, { traceparent: undefined, isTraceIgnored: true }],
    ['that is invalid in its message', undefined, '00-odd', { traceparent: undefined, isTraceIgnored: true }],
  ])('%s', (_what, field, inMessage, { isTraceIgnored, ...expected }: Readonly<Record<string, unknown>>) => {
    const acceptance = acceptEvent(eventBody({ traceparent: field }), known, NOW, inMessage);
    const { traceparent: read, ...subject } = subjectOf(acceptance);
    expect({ traceparent: read }).toEqual(expected);
    expect(acceptance).toHaveProperty('verdict', 'accepted');
    expect('isTraceIgnored' in acceptance && acceptance.isTraceIgnored).toBe(isTraceIgnored ?? false);
    // It is no part of the event's identity.
    expect(subject).toEqual(subjectOf(accept(eventBody())));
  });
});

describe('an event that is not accepted', () => {
  test.each([
    ['nothing at all', '', 'not JSON'],
    ['null', 'null', 'not a JSON object'],
    ['a list', '[]', 'not a JSON object'],
    ['an empty object', '{}', 'schema_version: '],
    ['a later version', eventBody({ schema_version: 2 }), 'schema_version: '],
    ['an unknown type', eventBody({ event_type: 'grading' }), 'event_type: '],
    ['no receiver', eventBody({ integration_id: undefined }), 'integration_id: names no receiver'],
    ['an unknown region', eventBody({ integration_id: undefined, region: 'ASIA' }), 'region: '],
    ['a course that is a number', eventBody({ course_id: 5 }), 'course_id: '],
    ['a course with half a surrogate pair', eventBody({ course_id: 'c\ud800' }), 'course_id: must be well-formed'],
    ['no payload', eventBody({ payload: undefined }), 'payload: '],
    ['a payload that is a text', eventBody({ payload: 'text' }), 'payload: '],
    ['a payload that is null', eventBody({ payload: null }), 'payload: '],
    ['an unknown integration', eventBody({ integration_id: 'gone' }), 'integration_id: no integration has this id'],
    ['only invalid fields', JSON.stringify(Object.fromEntries(Object.keys(event()).map((name) => [name, {}]))), ''],
  ])('with %s is rejected, with the reason', (_what, body, reason) => {
    const acceptance = accept(body);
    expect(acceptance.verdict).toBe('rejected');
    expect(reasonOf(acceptance)).toContain(reason);
    expect(reasonOf(acceptance).length).toBeLessThanOrEqual(MAX_REASON_CHARACTERS);
  });

  test('is filtered if its integration is not active', () => {
    expect(accept(eventBody({ integration_id: 'paused' }))).toEqual({
      verdict: 'filtered',
      subject: expect.objectContaining({ integration_id: 'paused', event_type: 'course_completion' }),
      reason: 'integration paused is not active',
    });
  });

  test('is held if the entry of its integration is broken', () => {
    const acceptance = acceptEvent(eventBody(), { ...registry(), broken: brokenEntry('acme') }, NOW);
    expect(acceptance).toMatchObject({ verdict: 'held', integrationId: 'acme' });
  });

  test('is rejected if its integration belongs to another enterprise', () => {
    const foreign = registry(integration({ enterprise_customer_uuid: OTHER_ENTERPRISE }));
    expect(acceptEvent(eventBody(), foreign, NOW)).toMatchObject({
      verdict: 'rejected',
      reason: 'integration acme belongs to another enterprise',
    });
  });
});

describe('a scheduled event', () => {
  const DAY_MS = 24 * 3600_000;
  const lead = (more: object) =>
    accept(
      eventBody({
        event_type: 'lead',
        payload: { user_id: 7, lead_type: 'calculated', timestamp: '2026-01-15T11:59:00Z' },
        ...more,
      }),
    );
  const at = (ms: number) => new Date(ms).toISOString();

  test('may be due up to seven days after its acceptance', () => {
    expect(lead({ send_at: at(NOW + 7 * DAY_MS) }).verdict).toBe('accepted');
    expect(lead({ send_at: at(NOW + 7 * DAY_MS + 1) })).toEqual({
      verdict: 'rejected',
      reason: 'send_at: an event may wait for 7 days at the most',
    });
  });

  test('with any valid delay is accepted with any publisher’s clock, and never waits longer', () => {
    const anyTime = fc.integer({ min: 0, max: Date.UTC(9999, 11, 31) });
    fc.assert(
      fc.property(
        fc.oneof(anyTime, fc.integer({ min: NOW - 10 * DAY_MS, max: NOW + 10 * DAY_MS })),
        fc.option(fc.integer({ min: 0, max: 7 * 24 * 60 }), { nil: undefined }),
        (occurredMs, delay_minutes) => {
          const { send_at } = subjectOf(lead({ occurred_at: at(occurredMs), delay_minutes }));
          expect(send_at).toBe(at(Math.min(occurredMs, NOW) + (delay_minutes ?? 60) * 60_000));
        },
      ),
    );
  });
});

describe('a large event', () => {
  const ofBytes = (bytes: number, filler = 'x') => {
    const room = bytes - Buffer.byteLength(eventBodyWithPayload('{"filler":""}'));
    return eventBodyWithPayload(
      JSON.stringify({ filler: filler.repeat(Math.floor(room / Buffer.byteLength(filler))) }),
    );
  };

  test('is accepted up to 200 KiB', () => {
    expect(Buffer.byteLength(ofBytes(MAX_EVENT_BYTES))).toBe(MAX_EVENT_BYTES);
    expect(accept(ofBytes(MAX_EVENT_BYTES)).verdict).toBe('accepted');
    const acceptance = accept(ofBytes(MAX_EVENT_BYTES + 1));
    expect(acceptance.verdict).toBe('rejected');
    expect(reasonOf(acceptance)).toBe(
      `too large: ${MAX_EVENT_BYTES + 1} bytes, at most ${MAX_EVENT_BYTES} are accepted`,
    );
  });

  test.each(['"', '\uFFFF'])('fits a workflow input if it is accepted: the longest text of %j', (character) => {
    const ofLength = (length: number) =>
      accept(eventBodyWithPayload(JSON.stringify({ filler: character.repeat(length) })));
    let [longest, tooLong] = [0, MAX_EVENT_BYTES];
    while (tooLong - longest > 1) {
      const length = Math.floor((longest + tooLong) / 2);
      if (ofLength(length).verdict === 'accepted') longest = length;
      else tooLong = length;
    }
    const input = toMessageText(newDelivery(subjectOf(ofLength(longest)), PENDING, { dueAt: new Date(0) }));
    expect(Buffer.byteLength(input)).toBeLessThanOrEqual(MAX_WORKFLOW_INPUT_BYTES);
    expect(reasonOf(ofLength(tooLong))).toMatch(/^too large: \d+ bytes as a workflow input/);
  });
});

describe('a hostile body', () => {
  const deep = (levels: number, open: string, close: string) => open.repeat(levels) + close.repeat(levels);
  const verdicts = ['accepted', 'rejected', 'filtered', 'held'];

  test.each([
    ['arrays', deep(90_000, '[', ']')],
    ['objects', `${deep(20_000, '{"a":', '}').replace('{"a":}', '{"a":1}')}`],
  ])('with a payload of many thousand nested %s is rejected', (_what, nested) => {
    expect(accept(eventBodyWithPayload(`{"a":${nested}}`))).toEqual({
      verdict: 'rejected',
      reason: 'payload nests too deeply: at most 200 levels are accepted',
    });
  });

  test.each([
    ['100,000 levels without an end', '['.repeat(100_000)],
    ['100,000 levels next to the payload', `{"a":${deep(100_000, '[', ']')}}`],
    [
      'a prototype to pollute',
      eventBodyWithPayload('{"__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":true}}}'),
    ],
    ['a prototype of its own', `{"__proto__":${eventBody()}}`],
    ['keys of every kind of method', eventBodyWithPayload('{"toString":1,"valueOf":2,"toJSON":3,"hasOwnProperty":4}')],
  ])('with %s has a verdict', (_what, body) => {
    expect(verdicts).toContain(accept(body).verdict);
    expect(Object.prototype).not.toHaveProperty('polluted');
  });

  test('is rejected without its values', () => {
    const marked = fc.constantFrom(...LEARNER_DATA);
    const value = fc.oneof(marked, fc.array(marked), fc.record({ value: marked }));
    const lead = { user_id: 7, lead_type: 'calculated', timestamp: '2026-01-15T11:59:00Z' };
    const optional = [
      'event_id',
      'region',
      'user_id',
      'course_id',
      'enterprise_customer_uuid',
      'send_at',
      'delay_minutes',
    ];
    const fields = { ...event(), ...Object.fromEntries(optional.map((name) => [name, undefined])) };
    const orFaulty = (good: unknown) =>
      fc.oneof({ weight: 5, arbitrary: fc.constant(good) }, { weight: 1, arbitrary: value });
    const faultyFields = (goods: object) =>
      fc.record(Object.fromEntries(Object.entries(goods).map(([name, good]) => [name, orFaulty(good)])));
    const faulty = fc.oneof(
      faultyFields(fields),
      fc
        .tuple(faultyFields({ ...fields, event_type: 'lead' }), faultyFields(lead))
        .map(([outer, payload]) => ({ ...outer, payload })),
    );
    fc.assert(
      fc.property(faulty, fc.nat({ max: 40 }), (fault, cut) => {
        const text = JSON.stringify(fault);
        for (const body of [text, text.slice(0, text.length - cut)]) {
          const acceptance = accept(body);
          if (acceptance.verdict === 'accepted') continue;
          const { subject: _, ...rest } = { subject: undefined, ...acceptance };
          for (const data of LEARNER_DATA) expect(JSON.stringify(rest)).not.toContain(data);
        }
      }),
      { numRuns: 300 },
    );
  });
});
