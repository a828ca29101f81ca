import { describe, expect, test } from '@jest/globals';
import { Resolver } from '../../local/resolver.ts';

const template = {
  resources: {
    Events: { Type: 'AWS::SQS::Queue' },
    Missing: { Type: 'AWS::SQS::Queue' },
    Role: { Type: 'AWS::IAM::Role' },
    Key: { Type: 'AWS::KMS::Key' },
  },
  outputs: {},
  assetDirectories: new Map(),
};

function resolve(value: unknown): unknown {
  const resolver = new Resolver(template, new Set(['AWS::SQS::Queue']));
  resolver.register('Events', {
    ref: 'http://127.0.0.1:1/000000000000/Events',
    attributes: { Arn: 'arn:aws:sqs:us-east-1:000000000000:Events', 'Endpoint.Port': '6379' },
  });
  return resolver.resolve(value, 'Function.Environment.QUEUE_URL');
}

describe('Resolver', () => {
  test.each([
    ['Ref to what runs here', { Ref: 'Events' }, 'http://127.0.0.1:1/000000000000/Events'],
    ['GetAtt as a list', { 'Fn::GetAtt': ['Events', 'Arn'] }, 'arn:aws:sqs:us-east-1:000000000000:Events'],
    ['GetAtt, dotted', { 'Fn::GetAtt': ['Events', 'Endpoint.Port'] }, '6379'],
    [
      'a role, which exists as a name only',
      { 'Fn::GetAtt': ['Role', 'Arn'] },
      'arn:aws:iam:us-east-1:000000000000:Role',
    ],
    ['Ref to a key', { Ref: 'Key' }, 'Key'],
    [
      'pseudo parameters',
      { 'Fn::Join': [':', [{ Ref: 'AWS::Partition' }, { Ref: 'AWS::AccountId' }]] },
      'aws:000000000000',
    ],
    ['Select of GetAZs', { 'Fn::Select': [1, { 'Fn::GetAZs': '' }] }, 'us-east-1b'],
    ['NoValue, left out', { a: { Ref: 'AWS::NoValue' }, b: [1, { Ref: 'AWS::NoValue' }] }, { b: [1] }],
  ])('resolves %s', (_name, value, expected) => {
    expect(resolve(value)).toEqual(expected);
  });

  test.each([
    [
      'a resource that the template lacks',
      { Ref: 'Evnets' },
      /QUEUE_URL: Ref Evnets: the template has no resource Evnets/,
    ],
    [
      'an attribute that a queue lacks',
      { 'Fn::GetAtt': ['Events', 'Url'] },
      /Events \(AWS::SQS::Queue\) has no attribute Url, only Arn/,
    ],
    [
      'a queue that does not run',
      { 'Fn::GetAtt': ['Missing', 'Arn'] },
      /attribute Arn of Missing: .* has no local counterpart/,
    ],
    ['a function it does not know', { 'Fn::Sub': 'x' }, /Fn::Sub is not understood/],
    ['Select beyond the end', { 'Fn::Select': [7, ['a']] }, /finds nothing at 7/],
  ])('refuses %s', (_name, value, message) => {
    expect(() => resolve(value)).toThrow(message);
  });
});
