import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { webhookId } from '../../lambdas/events/identity.ts';
import { output } from '../../local/demo/operator.ts';
import { playOwnEvents } from '../../local/demo/own-events.ts';
import { readEvents } from '../../local/demo/read-events.ts';
import { completion, enrollment, LEARNER } from '../../local/demo/sample-events.ts';
import { awaitQuiet } from '../../local/soak/await-quiet.ts';
import { answerOf, type MisbehavingSnowflake, startMisbehavingSnowflake } from '../support/misbehaving-snowflake.ts';
import { learningTimeOf, receiptsOf, runningSession, until } from './running-session.ts';

const session = runningSession({
  flag: 'on',
  partners: {
    skillsoft: { behaviour: 200 },
    refusing: { behaviour: 400 },
    inactive: { behaviour: 200, entry: { active: false } },
    slow: { behaviour: 503, entry: { max_retries: 1, retry_delays_seconds: [3600] } },
  },
});

const good = (eventId: string) => completion(eventId, 'skillsoft', LEARNER.known);
const changed = (changes: object) => JSON.stringify({ ...good('changed'), ...changes });

/** Each with the start of the reason with which it is dead-lettered; accept-event.test.ts has more. */
const BAD_EVENTS: readonly [body: string, reason: string][] = [
  ['{"schema_version": 1,', 'not JSON'],
  [changed({ schema_version: 99 }), 'schema_version:'],
  [changed({ integration_id: 'unknown' }), 'integration_id: no integration has this id'],
  [changed({ payload: { text: 'x'.repeat(201 * 1024) } }), 'too large:'],
  [
    changed({}).replace('"payload":{', `"payload":{"deep":${'['.repeat(90_000)}${']'.repeat(90_000)},`),
    'payload nests too deeply',
  ],
];

test('an event that cannot be delivered is dead-lettered with its reason, unchanged; the rest of the batch is delivered', async () => {
  const mates = ['mate-1', 'mate-2'];
  const [first = '', last = ''] = mates.map((id) => JSON.stringify(good(id)));
  await session().publish([first, ...BAD_EVENTS.map(([body]) => body), last]);
  await awaitQuiet(session());
  const { eventDeadLetters } = await session().evidence([]);
  for (const [body, reason] of BAD_EVENTS) {
    const letters = eventDeadLetters.filter((candidate) => candidate.body === body);
    expect(letters.map((letter) => letter.reason.slice(0, reason.length))).toEqual([reason]);
  }
  for (const id of mates) expect(receiptsOf(session(), 'skillsoft', id)).toHaveLength(1);
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

describe('the demo with a file of events', () => {
  const outcomesOf = async (lines: readonly string[], withinMs?: number) => {
    const outcomes = await playOwnEvents(session(), readEvents(lines.join('\n')), withinMs ? { withinMs } : {});
    return outcomes.map(({ line, outcome, isFinal }) => [line, outcome.replace(/, enriched from \w+/, ''), isFinal]);
  };

  test('publishes each line as it stands, good or bad, and reports its outcome', async () => {
    const lines = [
      JSON.stringify(completion('own', 'skillsoft', LEARNER.known)),
      '',
      '{"schema_version": 1, "event_type": "course_compl',
      JSON.stringify(enrollment('own', 'refusing', LEARNER.known)),
      JSON.stringify(enrollment('own', 'inactive', LEARNER.known)),
      JSON.stringify({ ...enrollment('own', 'unknown', LEARNER.known), event_type: 'grading' }),
    ];
    expect(await outcomesOf(lines)).toEqual([
      [1, '200 with 18540 s (5.15 h)', true],
      [3, 'event dead-lettered: not JSON', true],
      [4, '400, dead-lettered: HTTP 400', true],
      [5, 'filtered: integration inactive is not active', true],
      [6, expect.stringMatching(/^event dead-lettered: event_type: /), true],
    ]);
  });

  test('reports where an event is that has not ended; what SQS refuses is not waited for', async () => {
    const HALF_AN_HOUR_MS = 30 * 60_000;
    expect(await outcomesOf([JSON.stringify(enrollment('own', 'slow', LEARNER.known))], HALF_AN_HOUR_MS)).toEqual([
      [1, '503, waits for the partner (1 attempt failed)', false],
    ]);
    expect(await outcomesOf(['\u0001'])).toEqual([
      [1, expect.stringMatching(/^not published: SQS responded .*InvalidMessageContents$/), false],
    ]);
  });
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
    await until(session(), () => receipts().every(({ length }) => length > 0));
    expect(receipts().map(([receipt]) => learningTimeOf(receipt))).toEqual([undefined, undefined, undefined]);
    const { enrichmentRetries } = await session().evidence(ids.map((id) => webhookId('skillsoft', id)));
    expect([...enrichmentRetries.values()]).toEqual([3, 3, 3]);
    const endings = platform.functions
      .all()
      .flatMap((pool) => pool.logs().filter(({ text }) => /exit|TypeError/.test(text)));
    expect(endings.map(({ text }) => text)).toEqual([]);
  });
});
