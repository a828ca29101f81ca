import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  evaluatePolicy,
  PolicyNotUnderstood,
  type PolicyStatement,
} from '../../../commands/preflight/evaluate-policy.ts';

const TOPIC = 'arn:aws:sns:us-east-1:111122223333:alarms';
const ROLE = 'arn:aws:iam::111122223333:role/reader';
const ACCOUNT = '111122223333';
const REQUEST = {
  principal: 'cloudwatch.amazonaws.com',
  action: 'sns:Publish',
  resource: TOPIC,
  context: {
    'aws:SourceArn': `arn:aws:cloudwatch:us-east-1:${ACCOUNT}:alarm:stage-page-pipeline`,
    'aws:SourceAccount': ACCOUNT,
    'aws:SecureTransport': 'true',
  },
};
const ALLOW: PolicyStatement = {
  Effect: 'Allow',
  Principal: { Service: 'cloudwatch.amazonaws.com' },
  Action: 'sns:Publish',
  Resource: TOPIC,
};
const judge = (change: object, principal = REQUEST.principal) =>
  evaluatePolicy([{ ...ALLOW, ...change }], { ...REQUEST, principal });

test('nothing is allowed without an Allow, and a Deny that matches wins in any position', () => {
  expect(evaluatePolicy([], REQUEST)).toBe('not allowed');
  const deny = { Effect: 'Deny', Principal: '*', Action: 'sns:*', Resource: '*' } as const;
  fc.assert(
    fc.property(fc.shuffledSubarray([ALLOW, deny, { ...ALLOW, Sid: 'Again' }] as const, { minLength: 1 }), (policy) => {
      expect(evaluatePolicy(policy, REQUEST)).toBe(policy.includes(deny) ? 'denied' : 'allowed');
    }),
  );
});

test.each<[object]>([
  [{ Principal: { Service: ['events.amazonaws.com', 'cloudwatch.amazonaws.com'] } }],
  [{ Principal: { AWS: '*' } }],
  [{ Action: 'SNS:Publish' }],
  [{ Action: ['sns:Subscribe', 'sns:Pub*'] }],
  [{ Resource: '*' }],
  [{ Resource: 'arn:aws:sns:us-east-?:111122223333:al*' }],
  [{ Condition: { StringEquals: { 'AWS:SourceAccount': ['444455556666', ACCOUNT] } } }],
  [{ Condition: { StringLike: { 'aws:SourceAccount': '1111*' } } }],
  [{ Condition: { StringEqualsIfExists: { 'aws:SourceOwner': ACCOUNT } } }],
  [{ Condition: { StringNotEquals: { 'aws:SourceOwner': ACCOUNT } } }],
  [{ Condition: { ArnLike: { 'aws:SourceArn': `arn:aws:cloudwatch:us-east-1:${ACCOUNT}:alarm:stage-*` } } }],
  [{ Condition: { ArnEquals: { 'aws:SourceArn': `arn:aws:cloudwatch:us-east-1:${ACCOUNT}:alarm:stage-*` } } }],
  [{ Condition: { Bool: { 'aws:SecureTransport': 'true' } } }],
])('allowed: %j', (change) => {
  expect(judge(change)).toBe('allowed');
});

test.each<[object]>([
  [{ Principal: { Service: ['events.amazonaws.com'] } }],
  [{ Principal: { AWS: ACCOUNT } }],
  [{ Action: 'sns:Subscribe' }],
  [{ Resource: `${TOPIC}2` }],
  [{ Resource: TOPIC.toUpperCase() }],
  [{ Resource: TOPIC.replaceAll(':', '.') }],
  [{ Condition: { StringEquals: { 'aws:SourceAccount': '1111*' } } }],
  [{ Condition: { StringEquals: { 'aws:SourceOwner': ACCOUNT } } }],
  [{ Condition: { StringNotEquals: { 'aws:SourceAccount': ACCOUNT } } }],
  [{ Condition: { ArnLike: { 'aws:SourceArn': `arn:aws:cloudwatch:us-east-1:${ACCOUNT}:alarm:stage2-*` } } }],
  [{ Condition: { ArnLike: { 'aws:SourceArn': 'arn:aws:cloudwatch:*:alarm:stage-*' } } }],
  [{ Condition: { Bool: { 'aws:SecureTransport': false } } }],
  // Every condition must hold.
  [{ Condition: { StringEquals: { 'aws:SourceAccount': ACCOUNT }, Bool: { 'aws:SecureTransport': false } } }],
])('not allowed: %j', (change) => {
  expect(judge(change)).toBe('not allowed');
});

test.each([
  [`arn:aws:iam::${ACCOUNT}:root`, 'allowed'],
  [ACCOUNT, 'allowed'],
  ['arn:aws:iam::444455556666:root', 'not allowed'],
])('a role, where the principal is %s: %s', (AWS, verdict) => {
  expect(judge({ Principal: { AWS } }, ROLE)).toBe(verdict);
});

test.each([
  { NotAction: 'sns:Publish' },
  { NotPrincipal: { AWS: '*' } },
  { Condition: { IpAddress: { 'aws:SourceIp': '203.0.113.0/24' } } },
  { Condition: { BoolNotEquals: { 'aws:SecureTransport': 'true' } } },
  { Condition: { 'ForAnyValue:StringEquals': { 'aws:PrincipalOrgID': 'o-1' } } },
])('not understood: %j', (change) => {
  expect(() => judge(change)).toThrow(PolicyNotUnderstood);
});
