import { GetTopicAttributesCommand, ListSubscriptionsByTopicCommand, SNSClient } from '@aws-sdk/client-sns';
import { expect, test } from '@jest/globals';
import { clientOptions } from '../../support/client-options.ts';
import { runningPlatform } from '../../support/running-platform.ts';

const platform = runningPlatform({
  resources: {
    Alarms: {
      Type: 'AWS::SNS::Topic',
      Properties: { Subscription: [{ Protocol: 'email', Endpoint: 'on-call@example.com' }] },
    },
    Named: { Type: 'AWS::SNS::Topic', Properties: { TopicName: 'named' } },
    Policy: {
      Type: 'AWS::SNS::TopicPolicy',
      Properties: {
        Topics: [{ Ref: 'Alarms' }],
        PolicyDocument: { Statement: [{ Effect: 'Deny', Resource: { Ref: 'Alarms' } }] },
      },
    },
    Pager: {
      Type: 'AWS::SNS::Subscription',
      Properties: { TopicArn: { Ref: 'Alarms' }, Protocol: 'https', Endpoint: 'https://pager.example/' },
    },
  },
  outputs: {
    AlarmTopicArn: { Value: { Ref: 'Alarms' } },
    NamedArn: { Value: { 'Fn::GetAtt': ['Named', 'TopicArn'] } },
    NamedName: { Value: { 'Fn::GetAtt': ['Named', 'TopicName'] } },
  },
});

test('topics of the template have an ARN, both kinds of subscriptions, and a policy', async () => {
  const { controlPlane, outputs } = platform();
  const client = new SNSClient(clientOptions(controlPlane.endpoint));
  const endpoints = async (TopicArn: string | undefined) => {
    const { Subscriptions = [] } = await client.send(new ListSubscriptionsByTopicCommand({ TopicArn }));
    return Subscriptions.map(({ Endpoint }) => Endpoint);
  };
  const policy = async (TopicArn: string | undefined) => {
    const { Attributes } = await client.send(new GetTopicAttributesCommand({ TopicArn }));
    return JSON.parse(Attributes?.Policy ?? '').Statement;
  };
  expect(outputs).toEqual({
    AlarmTopicArn: 'arn:aws:sns:us-east-1:000000000000:Alarms',
    NamedArn: 'arn:aws:sns:us-east-1:000000000000:named',
    NamedName: 'named',
  });
  expect(await endpoints(outputs.AlarmTopicArn)).toEqual(['on-call@example.com', 'https://pager.example/']);
  expect(await endpoints(outputs.NamedArn)).toEqual([]);
  expect(await policy(outputs.AlarmTopicArn)).toEqual([
    { Effect: 'Deny', Resource: 'arn:aws:sns:us-east-1:000000000000:Alarms' },
  ]);
  // SNS's own.
  expect(await policy(outputs.NamedArn)).toMatchObject([
    { Effect: 'Allow', Condition: { StringEquals: { 'AWS:SourceOwner': '000000000000' } } },
  ]);
  client.destroy();
});
