import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { webhookId } from '../../lambdas/events/identity.ts';
import { deployIntegrations, output } from '../../local/demo/operator.ts';
import { completion, enrollment, LEARNER } from '../../local/demo/sample-events.ts';
import { awaitQuiet } from '../../local/soak/await-quiet.ts';
import { answerOf, type MisbehavingSnowflake, startMisbehavingSnowflake } from '../support/misbehaving-snowflake.ts';
import { learningTimeOf, logged, receiptsOf, runningSession, until } from './running-session.ts';

const session = runningSession({ flag: 'on', partners: { skillsoft: { answers: 200 } } });

const good = (eventId: string) => completion(eventId, 'skillsoft', LEARNER.known);
const changed = (changes: object) => JSON.stringify({ ...good('changed'), ...changes });

/** Each with the start of the reason with which it is dead-lettered. */
const BAD_EVENTS: readonly [what: string, body: string, reason: string][] = [
  ['not JSON', '{"schema_version": 1,', 'not JSON'],
  ['not an object', '[1, 2]', 'not a JSON object'],
  ['an unknown type', changed({ event_type: 'course_unenrollment' }), 'event_type:'],
  ['a missing field', changed({ occurred_at: undefined }), 'occurred_at:'],
  ['a wrong field', changed({ payload: 'text' }), 'payload:'],
  ['an unknown version', changed({ schema_version: 99 }), 'schema_version:'],
  ['an unknown integration', changed({ integration_id: 'unknown' }), 'integration_id: no integration has this id'],
  ['no receiver', changed({ integration_id: undefined }), 'integration_id: names no receiver'],
  ['too large', changed({ payload: { text: 'x'.repeat(201 * 1024) } }), 'too large:'],
  ['too large once escaped', changed({ payload: { text: '"'.repeat(95 * 1024) } }), 'too large:'],
  [
    'nested too deeply',
    changed({}).replace('"payload":{', `"payload":{"deep":${'['.repeat(90_000)}${']'.repeat(90_000)},`),
    'payload nests too deeply',
  ],
];

describe('events that cannot be delivered', () => {
  test('each is dead-lettered with its reason and an unchanged body; the rest of the batch is delivered', async () => {
    await session().publish([
      JSON.stringify(good('mate-1')),
      ...BAD_EVENTS.map(([, body]) => body),
      JSON.stringify(good('mate-2')),
    ]);

    await awaitQuiet(session());
    const { eventDeadLetters: letters } = await session().evidence([]);
    expect(letters).toHaveLength(BAD_EVENTS.length);
    for (const [what, body, reason] of BAD_EVENTS) {
      const letter = letters.find((candidate) => candidate.body === body);
      expect({ what, reason: letter?.reason.slice(0, reason.length) }).toEqual({ what, reason });
    }
    for (const id of ['mate-1', 'mate-2']) expect(receiptsOf(session(), 'skillsoft', id)).toHaveLength(1);
  });
});

test('a user id that is no number: sent without learning time, with a warning', async () => {
  await session().publish([JSON.stringify(completion('by-name', 'skillsoft', 'learner-name'))]);
  const receipt = await until(session(), () => receiptsOf(session(), 'skillsoft', 'by-name')[0]);

  expect(learningTimeOf(receipt)).toBeUndefined();
  expect(await logged(session(), 'event.learner_not_identified')).toHaveLength(1);
});

test('numbers, escapes and order in a payload arrive as the LMS wrote them', async () => {
  const odd =
    '{"big":12345678901234567890,"float":1.0,"exponent":1e-7,"zero":-0.0,"text":"\\u00e9\\uffff\\ud800","list":[1.10]}';
  const event = JSON.stringify(enrollment('odd', 'skillsoft', LEARNER.known)).replace(
    /"payload":\{.*\}\}$/,
    `"payload":${odd}}`,
  );
  await session().publish([event]);
  const { body } = await until(session(), () => receiptsOf(session(), 'skillsoft', 'odd')[0]);

  expect(body).toBe(odd.replace('\\u00e9', 'é'));
});

test('a warehouse row of the wrong type: the event goes out without learning time after its retries', async () => {
  await session().warehouse.load([
    {
      userId: 40001,
      courseId: 'course-v1:edX+DemoX+Demo_Course',
      enterpriseId: good('x').payload.enterprise.enterprise_customer_uuid,
      date: '2026-01-10',
      seconds: -5,
    },
  ]);
  await session().publish([JSON.stringify(completion('negative', 'skillsoft', 40001))]);
  const receipt = await until(session(), () => receiptsOf(session(), 'skillsoft', 'negative')[0]);

  expect(learningTimeOf(receipt)).toBeUndefined();
  const { enrichmentRetries } = await session().evidence([webhookId('skillsoft', 'negative')]);
  expect([...enrichmentRetries.values()]).toEqual([3]);
});

test('an integrations document that breaks its schema is refused by the template’s own validator', () => {
  expect(() => deployIntegrations(session().platform, [{ id: 'skillsoft', url: 'ftp://example.com' }])).toThrow(/url/);
});

/** Last, since the platform uses another Snowflake afterwards. */
describe('a warehouse whose rows make no sense', () => {
  let snowflake: MisbehavingSnowflake;
  beforeAll(async () => {
    snowflake = await startMisbehavingSnowflake();
  });
  afterAll(() => snowflake.close());

  test('rows that make the SDK throw uncatchably end no function: events are sent without learning time', async () => {
    const { platform, publish } = session();
    const secretName = output(platform, 'SnowflakeSecretName');
    const secret = JSON.parse(platform.controlPlane.secretsManager.current(secretName) ?? '{}');
    platform.secrets.put(secretName, JSON.stringify({ ...secret, access_url: snowflake.url }));
    // New environments, which have not read the secret yet.
    for (const name of ['enrich-batch', 'enrich-task']) platform.functions.find(name).killAll();
    snowflake.answers = { query: answerOf([null] as never) };
    const ids = [1, 2, 3].map((number) => `odd-rows-${number}`);
    await publish(ids.map((id, index) => JSON.stringify(completion(id, 'skillsoft', 810_000 + index))));
    const receipts = () => ids.map((id) => receiptsOf(session(), 'skillsoft', id));
    await awaitQuiet(session());
    expect(receipts().map(([receipt]) => learningTimeOf(receipt))).toEqual([undefined, undefined, undefined]);
    const { enrichmentRetries } = await session().evidence(ids.map((id) => webhookId('skillsoft', id)));
    expect([...enrichmentRetries.values()]).toEqual([3, 3, 3]);
    const endings = platform.functions
      .all()
      .flatMap((pool) => pool.logs().filter(({ text }) => /exit|TypeError/.test(text)));
    expect(endings.map(({ text }) => text)).toEqual([]);
  });
});
