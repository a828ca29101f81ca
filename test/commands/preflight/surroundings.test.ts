import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import { judgeTopic } from '../../../commands/preflight/alarm-notifications.ts';
import { judgeSubscriptions } from '../../../commands/preflight/alarm-subscriptions.ts';
import { type CheckInput, findingsOf } from '../../../commands/preflight/check.ts';
import { judgeAccount, judgeReaders, type Reader } from '../../../commands/preflight/concurrency.ts';
import { judgeEgressAddresses } from '../../../commands/preflight/egress-addresses.ts';
import { formatFindings, no, yes } from '../../../commands/preflight/finding.ts';
import { reach } from '../../../commands/preflight/flag.ts';
import { judgeSnowflakeSecret } from '../../../commands/preflight/snowflake-secret.ts';
import type { Stage } from '../../../commands/shared/stage.ts';
import { flagSchema } from '../../../lambdas/flag/flag-document.ts';
import { findStage } from '../../../lib/stage.ts';
import { NOW } from '../../support/factories.ts';

/** The part of a stage that judging needs. */
const stage = { name: 'dev', awsCli: (service: string, words: string) => `${service} ${words}` } as Stage;
const DEPLOY = 'npx cdk diff -c stage=dev   # then deploy it: docs/how-to/update-and-roll-back.md';

test('an unexpected error is thrown, not reported', async () => {
  const run = () => Promise.reject(new RangeError('a fault of ours'));
  const input = { stage } as CheckInput;
  await expect(findingsOf({ what: 'a thing', run }, input)).rejects.toThrow(RangeError);
});

test('a quoted line break does not forge a line', () => {
  const forged = no('integrations', 'integrations.0.id: is wrong (x\nyes  flag  all is well\u2028yes)', 'fix\r\nit');
  expect(formatFindings([yes('flag', 'fits'), forged])).toBe(`\
yes  flag          fits
no   integrations  integrations.0.id: is wrong (x yes  flag  all is well yes)
     fix it`);
});

test.each([
  ['203.0.113.10,203.0.113.11', 'yes', '203.0.113.10, 203.0.113.11: for partners’ allow-lists'],
  ['203.0.113.10,', 'no', 'lists none'],
  ['NetworkEgress1.PublicIp', 'no', 'lists none'],
])('egress addresses %j: %s', (output, verdict, is) => {
  expect(judgeEgressAddresses(output, stage)).toMatchObject({ verdict, is: expect.stringContaining(is) });
});

describe('alarm subscriptions', () => {
  const mail = { Protocol: 'email', Endpoint: 'on-call@example.com', SubscriptionArn: 'arn:aws:sns:x:y:z:1' };
  const pager = { ...mail, Protocol: 'https', Endpoint: 'https://events.pager.example/a-key' };

  test('confirmed, without the path of a URL; and none', () => {
    const is = 'confirmed: email on-call@example.com, https events.pager.example';
    expect(judgeSubscriptions([mail, pager], 'subscribe')).toMatchObject({ verdict: 'yes', is });
    expect(judgeSubscriptions([], 'subscribe')).toMatchObject({ verdict: 'no', remedy: 'subscribe' });
  });

  test.each(['PendingConfirmation', 'Deleted'])('one is %s, though another is confirmed', (SubscriptionArn) => {
    expect(judgeSubscriptions([pager, { ...mail, SubscriptionArn }], 'subscribe')).toMatchObject({
      verdict: 'no',
      is: 'not confirmed: email on-call@example.com',
      remedy: 'subscribe   # sends the request again; or confirm by the link that SNS sent',
    });
  });
});

describe('alarm notifications', () => {
  const TOPIC = 'arn:aws-us-gov:sns:us-gov-west-1:111122223333:alarms';
  const ALARMS = 'arn:aws-us-gov:cloudwatch:us-gov-west-1:111122223333:alarm:learning-time-webhooks-dev-*';
  const allow = (change: object = {}) => ({
    ...{ Effect: 'Allow', Principal: { Service: 'cloudwatch.amazonaws.com' }, Action: 'sns:Publish', Resource: TOPIC },
    Condition: {
      StringEquals: { 'aws:SourceAccount': '111122223333' },
      ArnLike: { 'aws:SourceArn': ALARMS },
    },
    ...change,
  });
  const own = { Principal: { AWS: '*' }, Condition: { StringEquals: { 'AWS:SourceOwner': '111122223333' } } };
  const other = { Condition: { StringEquals: { 'aws:SourceAccount': '444455556666' } } };
  const unknown = { Condition: { IpAddress: { 'aws:SourceIp': '203.0.113.0/24' } } };

  test.each<[string, string, object[]]>([
    ['yes', 'CloudWatch may publish to the topic', [allow()]],
    ['yes', 'CloudWatch may publish to the topic', [allow(own)]],
    ['no', 'does not let CloudWatch publish: no notification is delivered', []],
    ['no', 'does not let CloudWatch publish', [allow(other)]],
    ['no', 'denies it to CloudWatch', [allow(), { Effect: 'Deny', Principal: '*', Action: 'sns:*', Resource: '*' }]],
    ['?', 'was not understood', [allow(unknown)]],
  ])('%s, the policy %s: %j', (verdict, is, Statement) => {
    const finding = judgeTopic(TOPIC, { Policy: JSON.stringify({ Statement }) }, stage);
    expect(finding).toMatchObject({ verdict, is: expect.stringContaining(is) });
  });

  test('a key that CloudWatch may not use is a no, and no policy is not known', () => {
    const attributes = { Policy: JSON.stringify({ Statement: [allow()] }), KmsMasterKeyId: 'alias/aws/sns' };
    expect([judgeTopic(TOPIC, attributes, stage).verdict, judgeTopic(TOPIC, {}, stage).verdict]).toEqual(['no', '?']);
  });
});

/** The readers of a stage, as its settings deploy them. */
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
  test('as the settings of prod have them', () => {
    const is = 'events: 5 at once; deliveries: 20 at once, 20 reserved; outcomes: 2 at once';
    expect(judgeReaders(readersOf('prod'), stage)).toEqual({ verdict: 'yes', what: 'readers of the queues', is });
  });

  const ENABLE = 'lambda update-event-source-mapping --uuid 1 --enabled';
  test.each<[object, string, string]>([
    [{ mapping: undefined }, 'nothing reads the deliveries queue', DEPLOY],
    [{ mapping: { State: 'Disabled', UUID: '1' } }, 'is not read: its reader is Disabled', ENABLE],
    [{ mapping: { State: 'Enabled' } }, 'the deliveries queue is read without a bound', DEPLOY],
    [{ reserved: 3 }, '20 of the deliveries queue at once, and its function may run 3 times', DEPLOY],
  ])('deliveries with %j: %s', (change, is, remedy) => {
    const readers = readersOf('prod').map((one) => (one.queue === 'deliveries' ? { ...one, ...change } : one));
    expect(judgeReaders(readers, stage)).toMatchObject({ verdict: 'no', is: expect.stringContaining(is), remedy });
  });
});

test.each([
  ['dev', 10, 10, 'yes', /^10 of the account’s 10 are unreserved, 10 are needed \(6 for readers, 4 besides\)$/],
  ['dev', 10, 9, 'no', /^9 of the account’s 10 are unreserved, 10 are needed/],
  // What is reserved for a reader is not needed again; 100 always stay unreserved.
  ['prod', 1000, 926, 'yes', /9 are needed \(5 for readers, 4 besides\); up to 826 more may be reserved$/],
  ['dev', undefined, undefined, '?', /./],
])(
  'concurrency for %s in an account with %s, of which %s are unreserved: %s',
  (name, inAll, unreserved, verdict, is) => {
    const finding = judgeAccount({ inAll, unreserved }, readersOf(name));
    expect(finding).toMatchObject({ verdict, is: expect.stringMatching(is) });
  },
);

test('the enterprises for which the flag is on', () => {
  const on = { enabled: true, rollout_percentage: 25, pilot_enterprises: ['ent-1', 'ent-2'] };
  expect(reach(flagSchema.parse(on))).toBe('it is on, for 25 % of enterprises and 2 pilots');
  expect(reach(flagSchema.parse({ ...on, enabled: false }))).toBe('it is off');
});

// Which secrets fit: test/warehouse/snowflake-secret.test.ts.
describe('the secret of Snowflake', () => {
  const { privateKey: private_key } = generateKeyPairSync('rsa', {
    modulusLength: 2048,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  });
  const fits = JSON.stringify({ account: 'ORG-ACCOUNT', user: 'WEBHOOKS', private_key });

  test.each([
    ['"text"', false, 0, 'no', /^is not a JSON object/, 'fill'],
    ['{}', false, 0, 'no', /^has no account .*, which every login needs/, 'fill'],
    [undefined, false, 0, 'no', 'has no value yet', 'fill'],
    [undefined, true, 0, 'no', 'is about to be deleted', 'restore'],
    [fits, false, 80, 'yes', 'filled and well-formed, 80 days old', undefined],
    [fits, false, 81, 'no', 'is 81 days old, over 80', 'rotate'],
  ])('%.9s…, to be deleted %s, after %i days: %s', (text, isBeingDeleted, days, verdict, is, remedy) => {
    const stored = { text, writtenAtMs: NOW - days * 86_400_000, isBeingDeleted };
    const remedies = { fill: 'fill', restore: 'restore', rotate: 'rotate' };
    const finding = judgeSnowflakeSecret(stored, NOW, remedies);
    expect([finding.verdict, finding.remedy]).toEqual([verdict, remedy]);
    expect(finding.is).toMatch(is);
  });
});
