import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  evaluatePolicy,
  PolicyNotUnderstood,
  type PolicyStatement,
} from '../../../commands/preflight/evaluate-policy.ts';

const TOPIC = 'arn:aws:sns:us-east-1:111122223333:alarms';
const ALARM = 'arn:aws:cloudwatch:us-east-1:111122223333:alarm:stage-page-pipeline';
const ROLE = 'arn:aws:iam::111122223333:role/reader';
const REQUEST = {
  principal: 'cloudwatch.amazonaws.com',
  action: 'sns:Publish',
  resource: TOPIC,
  context: { 'aws:SourceArn': ALARM, 'aws:SourceAccount': '111122223333', 'aws:SecureTransport': 'true' },
};
const ALLOW: PolicyStatement = {
  Effect: 'Allow',
  Principal: { Service: 'cloudwatch.amazonaws.com' },
  Action: 'sns:Publish',
  Resource: TOPIC,
};
const judge = (change: object, request = REQUEST) => evaluatePolicy([{ ...ALLOW, ...change }], request);

test('nothing is allowed without an Allow, and a Deny that matches wins wherever it stands', () => {
  expect(evaluatePolicy([], REQUEST)).toBe('not allowed');
  const deny = { Effect: 'Deny', Principal: '*', Action: 'sns:*', Resource: '*' } as const;
  fc.assert(
    fc.property(fc.shuffledSubarray([ALLOW, deny, { ...ALLOW, Sid: 'Again' }] as const, { minLength: 1 }), (policy) => {
      expect(evaluatePolicy(policy, REQUEST)).toBe(policy.includes(deny) ? 'denied' : 'allowed');
    }),
  );
});

test.each([
  ['the very one', ALLOW.Principal, REQUEST.principal, true],
  ['another service', { Service: ['events.amazonaws.com'] }, REQUEST.principal, false],
  ['one of several', { Service: ['events.amazonaws.com', 'cloudwatch.amazonaws.com'] }, REQUEST.principal, true],
  ['anyone', { AWS: '*' }, REQUEST.principal, true],
  ['the account of a role', { AWS: 'arn:aws:iam::111122223333:root' }, ROLE, true],
  ['the account of a role, by its id', { AWS: '111122223333' }, ROLE, true],
  ['another account', { AWS: 'arn:aws:iam::444455556666:root' }, ROLE, false],
  ['the account, which is no service', { AWS: '111122223333' }, REQUEST.principal, false],
])('principal: %s', (_, Principal, principal, isAllowed) => {
  expect(judge({ Principal }, { ...REQUEST, principal })).toBe(isAllowed ? 'allowed' : 'not allowed');
});

test.each([
  [{ Action: 'SNS:Publish' }, true],
  [{ Action: ['sns:Subscribe', 'sns:Pub*'] }, true],
  [{ Action: 'sns:Subscribe' }, false],
  [{ Resource: '*' }, true],
  [{ Resource: 'arn:aws:sns:us-east-?:111122223333:al*' }, true],
  [{ Resource: `${TOPIC}2` }, false],
  [{ Resource: TOPIC.toUpperCase() }, false],
  [{ Resource: 'arn.aws.sns.us-east-1.111122223333.alarms' }, false],
])('%j', (change, isAllowed) => {
  expect(judge(change)).toBe(isAllowed ? 'allowed' : 'not allowed');
});

describe('conditions', () => {
  test.each<[object, boolean]>([
    [{ StringEquals: { 'aws:SourceAccount': '111122223333' } }, true],
    [{ StringEquals: { 'AWS:SourceAccount': ['444455556666', '111122223333'] } }, true],
    [{ StringEquals: { 'aws:SourceAccount': '444455556666' } }, false],
    [{ StringEquals: { 'aws:SourceAccount': '1111*' } }, false],
    [{ StringLike: { 'aws:SourceAccount': '1111*' } }, true],
    [{ StringEquals: { 'aws:SourceOwner': '111122223333' } }, false],
    [{ StringEqualsIfExists: { 'aws:SourceOwner': '111122223333' } }, true],
    [{ StringNotEquals: { 'aws:SourceOwner': '111122223333' } }, true],
    [{ StringNotEquals: { 'aws:SourceAccount': '111122223333' } }, false],
    [{ ArnLike: { 'aws:SourceArn': 'arn:aws:cloudwatch:us-east-1:111122223333:alarm:stage-*' } }, true],
    [{ ArnEquals: { 'aws:SourceArn': 'arn:aws:cloudwatch:us-east-1:111122223333:alarm:stage-*' } }, true],
    [{ ArnLike: { 'aws:SourceArn': 'arn:aws:cloudwatch:us-east-1:111122223333:alarm:stage2-*' } }, false],
    [{ ArnLike: { 'aws:SourceArn': 'arn:aws:cloudwatch:*:alarm:stage-*' } }, false],
    [{ Bool: { 'aws:SecureTransport': 'true' } }, true],
    [{ Bool: { 'aws:SecureTransport': false } }, false],
    [
      {
        StringEquals: { 'aws:SourceAccount': '111122223333' },
        ArnLike: { 'aws:SourceArn': 'arn:aws:cloudwatch:*:*:alarm:other' },
      },
      false,
    ],
  ])('%j', (Condition, isAllowed) => {
    expect(judge({ Condition })).toBe(isAllowed ? 'allowed' : 'not allowed');
  });
});

test.each([
  { NotAction: 'sns:Publish' },
  { NotPrincipal: { AWS: '*' } },
  { Condition: { IpAddress: { 'aws:SourceIp': '203.0.113.0/24' } } },
  { Condition: { BoolNotEquals: { 'aws:SecureTransport': 'true' } } },
  { Condition: { 'ForAnyValue:StringEquals': { 'aws:PrincipalOrgID': 'o-1' } } },
])('%j is not guessed at', (change) => {
  expect(() => judge(change)).toThrow(PolicyNotUnderstood);
});
