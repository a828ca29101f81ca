import { describe, expect, test } from '@jest/globals';
import { judgeTopic } from '../../../commands/preflight/alarm-notifications.ts';
import { judgeSubscriptions } from '../../../commands/preflight/alarm-subscriptions.ts';
import { judgeAccount, judgeReaders, type Reader } from '../../../commands/preflight/concurrency.ts';
import { judgeLetters } from '../../../commands/preflight/dead-letters.ts';
import { judgeEgressAddresses } from '../../../commands/preflight/egress-addresses.ts';
import { reach } from '../../../commands/preflight/flag.ts';
import type { Stage } from '../../../commands/shared/stage.ts';
import { flagSchema } from '../../../lambdas/flag/flag-document.ts';
import { findStage } from '../../../lib/stage.ts';

/** As far as judging needs it. */
const stage = { name: 'dev', awsCli: (service: string, words: string) => `${service} ${words}` } as Stage;
const DEPLOY = 'npx cdk diff -c stage=dev   # then deploy it: docs/how-to/update-and-roll-back.md';

describe('egress addresses', () => {
  test('are listed', () => {
    expect(judgeEgressAddresses('203.0.113.10,203.0.113.11', stage)).toMatchObject({
      answer: 'yes',
      is: '203.0.113.10, 203.0.113.11: for partners’ allow-lists and Snowflake’s network policy',
    });
  });

  test.each(['', '203.0.113.10,', 'NetworkEgress1.PublicIp'])('%j is none', (output) => {
    expect(judgeEgressAddresses(output, stage)).toMatchObject({ answer: 'no', remedy: DEPLOY });
  });
});

describe('alarm subscriptions', () => {
  const mail = { Protocol: 'email', Endpoint: 'on-call@example.com', SubscriptionArn: 'arn:aws:sns:x:y:z:1' };
  const pager = { ...mail, Protocol: 'https', Endpoint: 'https://events.pager.example/a-key' };
  const judge = (...found: readonly (typeof mail)[]) => {
    const { answer, is, remedy } = judgeSubscriptions(found, 'subscribe');
    return [answer, is, remedy];
  };

  test('confirmed, without what a url may hold', () => {
    const is = 'confirmed: email on-call@example.com, https events.pager.example';
    expect(judge(mail, pager)).toEqual(['yes', is, undefined]);
  });

  test('nobody', () => {
    expect(judge()).toEqual(['no', 'nobody is told of an alarm', 'subscribe']);
  });

  test.each(['PendingConfirmation', 'Deleted'])('one is %s, though another is confirmed', (SubscriptionArn) => {
    expect(judge(pager, { ...mail, SubscriptionArn })).toEqual([
      'no',
      'not confirmed: email on-call@example.com',
      'subscribe   # asks anew; or confirm by the link that SNS sent',
    ]);
  });
});

describe('alarm notifications', () => {
  const TOPIC = 'arn:aws-us-gov:sns:us-gov-west-1:111122223333:alarms';
  const allow = (change: object = {}) => ({
    ...{ Effect: 'Allow', Principal: { Service: 'cloudwatch.amazonaws.com' }, Action: 'sns:Publish', Resource: TOPIC },
    Condition: {
      StringEquals: { 'aws:SourceAccount': '111122223333' },
      ArnLike: {
        'aws:SourceArn': 'arn:aws-us-gov:cloudwatch:us-gov-west-1:111122223333:alarm:learning-time-webhooks-dev-*',
      },
    },
    ...change,
  });
  const judge = (statements: readonly object[], others: Record<string, string> = {}) =>
    judgeTopic(TOPIC, { Policy: JSON.stringify({ Statement: statements }), ...others }, stage);

  test('are let in, by the stack’s policy or by SNS’s own', () => {
    const own = { Principal: { AWS: '*' }, Condition: { StringEquals: { 'AWS:SourceOwner': '111122223333' } } };
    for (const statement of [allow(), allow(own)]) {
      expect(judge([statement])).toMatchObject({ answer: 'yes', is: 'CloudWatch may publish to the topic' });
    }
  });

  test.each<[string, object[]]>([
    ['does not let CloudWatch publish', []],
    ['does not let CloudWatch publish', [allow({ Principal: { Service: 'events.amazonaws.com' } })]],
    [
      'does not let CloudWatch publish',
      [allow({ Condition: { StringEquals: { 'aws:SourceAccount': '444455556666' } } })],
    ],
    ['denies it to CloudWatch', [allow(), { Effect: 'Deny', Principal: '*', Action: 'sns:*', Resource: '*' }]],
  ])('the policy %s: %j', (words, statements) => {
    expect(judge(statements)).toMatchObject({
      answer: 'no',
      is: `the topic’s policy ${words}: no notification is delivered`,
      remedy: expect.stringContaining('npx cdk diff -c stage=dev'),
    });
  });

  test('are refused by AWS’s own key', () => {
    expect(judge([allow()], { KmsMasterKeyId: 'alias/aws/sns' })).toMatchObject({ answer: 'no' });
  });

  test('a policy that is not understood is not guessed at', () => {
    const unknown = allow({ Condition: { IpAddress: { 'aws:SourceIp': '203.0.113.0/24' } } });
    expect([judge([unknown]).answer, judgeTopic(TOPIC, {}, stage).answer]).toEqual(['?', '?']);
  });
});

/** The readers of a stage, as they are deployed from its settings. */
function readersOf(name: string): Reader[] {
  const { eventSources, functions } = findStage(name);
  const reader = (queue: string, most: number, reserved: number | undefined): Reader => {
    return { queue, mapping: { State: 'Enabled', UUID: queue, ScalingConfig: { MaximumConcurrency: most } }, reserved };
  };
  return [
    reader('events', eventSources.events.maxConcurrency, functions.enrichBatch.reservedConcurrency),
    reader('deliveries', eventSources.deliveries.maxConcurrency, functions.deliverBatch.reservedConcurrency),
    reader('outcomes', eventSources.outcomes.maxConcurrency, functions.settleOutcomes.reservedConcurrency),
  ];
}

describe('readers of the queues', () => {
  test.each([
    ['dev', 'events: 2 at once; deliveries: 4 at once; outcomes: 2 at once'],
    ['prod', 'events: 5 at once; deliveries: 20 at once, 20 reserved; outcomes: 2 at once'],
  ])('of %s, as its settings have them', (name, is) => {
    expect(judgeReaders(readersOf(name), stage)).toEqual({ answer: 'yes', what: 'readers of the queues', is });
  });

  test.each<[string, (reader: Reader) => Reader, string, string]>([
    ['none', (reader) => ({ ...reader, mapping: undefined }), 'nothing reads the deliveries queue', DEPLOY],
    [
      'one that somebody switched off',
      (reader) => ({ ...reader, mapping: { ...reader.mapping, State: 'Disabled' } }),
      'the deliveries queue is not read: its reader is Disabled',
      'lambda update-event-source-mapping --uuid deliveries --enabled',
    ],
    [
      'one without a bound',
      (reader) => ({ ...reader, mapping: { State: 'Enabled' } }),
      'the deliveries queue is read without a bound',
      DEPLOY,
    ],
    [
      'one whose function may run less',
      (reader) => ({ ...reader, reserved: 3 }),
      '20 of the deliveries queue at once, and its function may run 3 times',
      DEPLOY,
    ],
  ])('%s', (_, change, is, remedy) => {
    const readers = readersOf('prod').map((reader) => (reader.queue === 'deliveries' ? change(reader) : reader));
    expect(judgeReaders(readers, stage)).toMatchObject({ answer: 'no', is, remedy });
  });
});

describe('concurrency of the account', () => {
  test('a new account’s ten are enough for dev, and no more', () => {
    expect(judgeAccount({ inAll: 10, unreserved: 10 }, readersOf('dev'))).toMatchObject({
      answer: 'yes',
      is: '10 of the account’s 10 are unreserved, 10 are needed (6 for readers, 4 besides)',
    });
    expect(judgeAccount({ inAll: 10, unreserved: 9 }, readersOf('dev'))).toMatchObject({
      answer: 'no',
      remedy: expect.stringMatching(/^aws service-quotas request-service-quota-increase .* # or lower maxConcurrency/),
    });
  });

  test('what is reserved for a reader is not needed once more; a hundred stay unreserved', () => {
    expect(judgeAccount({ inAll: 1000, unreserved: 926 }, readersOf('prod'))).toMatchObject({
      answer: 'yes',
      is: '926 of the account’s 1000 are unreserved, 9 are needed (5 for readers, 4 besides); up to 826 more may be reserved',
    });
  });

  test('Lambda does not say it', () => {
    const nothing = { inAll: undefined, unreserved: undefined };
    expect(judgeAccount(nothing, readersOf('dev'))).toMatchObject({ answer: '?' });
  });
});

test('for whom the feature is on', () => {
  const on = { enabled: true, rollout_percentage: 25, pilot_enterprises: ['ent-1', 'ent-2'] };
  expect(reach(flagSchema.parse(on))).toBe('it is on, for 25 % of enterprises and 2 pilots');
  expect(reach(flagSchema.parse({ ...on, enabled: false }))).toBe('it is off');
});

test.each([
  [0, 'yes', 'none'],
  [1, 'no', '1 message'],
  [12, 'no', '12 messages'],
])('%i dead letters', (letters, answer, is) => {
  expect(judgeLetters('dead letters of events', letters, 'look')).toMatchObject({ answer, is });
});
