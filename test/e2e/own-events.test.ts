import { expect, test } from '@jest/globals';
import { output } from '../../local/demo/operator.ts';
import { type OwnOutcome, playOwnEvents } from '../../local/demo/own-events.ts';
import { readEvents } from '../../local/demo/read-events.ts';
import { completion, enrollment, LEARNER, lead } from '../../local/demo/sample-events.ts';
import { formatOwnOutcomes } from '../../local/demo/table.ts';
import { runningSession, until } from './running-session.ts';

const session = runningSession({
  flag: 'on',
  partners: {
    skillsoft: { answers: 200 },
    refusing: { answers: 400 },
    paused: { answers: 200, entry: { active: false } },
    slow: { answers: 503, entry: { retry_delays_seconds: [3600] } },
  },
});

const MINUTE_MS = 60_000;
const MALFORMED = '{"schema_version": 1, "event_type": "course_compl';

test('good, bad and malformed lines: each is published as it stands, and its outcome is reported', async () => {
  const lines = [
    JSON.stringify(completion('own', 'skillsoft', LEARNER.known)),
    JSON.stringify(completion('own', 'skillsoft', LEARNER.known)),
    '',
    MALFORMED,
    JSON.stringify(enrollment('own', 'refusing', LEARNER.known)),
    JSON.stringify(enrollment('own', 'paused', LEARNER.known)),
    JSON.stringify({ ...enrollment('own', 'unknown', LEARNER.known), event_type: 'grading' }),
  ];
  const outcomes = await playOwnEvents(session(), readEvents(lines.join('\n')));

  const seen = outcomes.map(({ line, outcome, isFinal }) => [
    line,
    outcome.replace(/, enriched from \w+/, ''),
    isFinal,
  ]);
  expect(seen).toEqual([
    [1, '200 with 18540 s (5.15 h)', true],
    [2, '200 with 18540 s (5.15 h)', true],
    [4, 'event dead-lettered: not JSON', true],
    [5, '400, dead-lettered: HTTP 400', true],
    [6, 'filtered: integration paused is not active', true],
    [7, expect.stringMatching(/^event dead-lettered: event_type: /), true],
  ]);
  const { eventDeadLetters } = await session().evidence([]);
  expect(eventDeadLetters.map(({ body }) => body)).toContain(MALFORMED);
});

test('where an event is that has not ended; what SQS refuses is not waited for', async () => {
  const refused = await playOwnEvents(session(), readEvents('\u0001'));
  const waiting = await playOwnEvents(session(), readEvents(JSON.stringify(enrollment('own', 'slow', LEARNER.known))), {
    withinMs: 30 * MINUTE_MS,
  });

  expect([...waiting, ...refused].map(({ outcome, isFinal }) => [outcome, isFinal])).toEqual([
    ['503, waits for the partner (1 attempt failed)', false],
    [expect.stringMatching(/^not published: SQS responded .*InvalidMessageContents$/), false],
  ]);
});

test('leads: what is scheduled later than the clock goes, sent at its time, superseded, and refused', async () => {
  const at = (secondsAgo: number) => new Date(Date.now() - secondsAgo * 1000).toISOString();
  const events = [
    lead('overtaken', 'skillsoft', 1, 'calculated', at(3), { delay_minutes: 20 }),
    lead('overtaking', 'skillsoft', 1, 'calculated', at(2), { delay_minutes: 10 }),
    lead('late', 'skillsoft', 2, 'calculated', at(1), { delay_minutes: 600 }),
    lead('far', 'skillsoft', 4, 'calculated', at(1), { send_at: '2099-01-01T00:00:00Z' }),
  ];
  const body = events.map((event) => JSON.stringify(event)).join('\n');
  const outcomes = await playOwnEvents(session(), readEvents(body), { withinMs: 60 * MINUTE_MS });

  expect(outcomes.map(({ outcome, isFinal }) => [outcome, isFinal])).toEqual([
    ['cancelled: superseded by a later event of its user', true],
    ['after 10 minutes: 200', true],
    [expect.stringMatching(/^scheduled for 20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ$/), false],
    ['event dead-lettered: send_at: an event may wait for 7 days at the most', true],
  ]);
});

test('the execution that a move to an earlier time leaves behind is not waited for', async () => {
  const at = (secondsAgo: number) => new Date(Date.now() - secondsAgo * 1000).toISOString();
  const first = JSON.stringify(lead('moved', 'skillsoft', 3, 'calculated', at(2), { delay_minutes: 600 }));
  await session().publish([first]);
  const { platform } = session();
  await until(session(), () => platform.queues.messages(output(platform, 'EventsQueueUrl')).length === 0);
  const again = JSON.stringify(lead('moved', 'skillsoft', 3, 'calculated', at(1), { delay_minutes: 4 }));
  const outcomes = await playOwnEvents(session(), readEvents(again));

  expect(outcomes).toMatchObject([{ outcome: 'after 4 minutes: 200', isFinal: true }]);
});

test('the table', () => {
  const [first, second]: OwnOutcome[] = [
    { line: 1, eventType: 'lead', integrationId: '-', webhookId: '-', outcome: 'nothing yet', isFinal: false },
    { line: 12, eventType: 'course_enrollment', integrationId: 'a', webhookId: 'wh', outcome: '200', isFinal: true },
  ];
  expect(formatOwnOutcomes([first, second].filter((row) => row !== undefined)).split('\n')).toEqual([
    'line  event type         integration  webhook  outcome',
    '1     lead               -            -        nothing yet',
    '12    course_enrollment  a            wh       200',
  ]);
});
