import { GetTopicAttributesCommand, ListSubscriptionsByTopicCommand, SNSClient } from '@aws-sdk/client-sns';
import { expect, test } from '@jest/globals';
import { startPlatform } from '../../local/platform.ts';
import { LOCAL_CREDENTIALS } from '../../local/queues.ts';
import { REGION } from '../../local/resolver.ts';
import { STACK, writeAssembly } from '../support/assembly.ts';

test('topics of the template have an ARN, both kinds of subscriptions, and a policy', async () => {
  const { directory, remove } = writeAssembly({
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
  const platform = await startPlatform({ assemblyDirectory: directory, stackName: STACK });
  const client = new SNSClient({
    endpoint: String(platform.endpoints.AWS_ENDPOINT_URL_SNS),
    region: REGION,
    credentials: LOCAL_CREDENTIALS,
  });
  const endpoints = async (TopicArn: string | undefined) => {
    const { Subscriptions = [] } = await client.send(new ListSubscriptionsByTopicCommand({ TopicArn }));
    return Subscriptions.map(({ Endpoint }) => Endpoint);
  };
  const policy = async (TopicArn: string | undefined) => {
    const { Attributes } = await client.send(new GetTopicAttributesCommand({ TopicArn }));
    return JSON.parse(Attributes?.Policy ?? '').Statement;
  };
  try {
    expect(platform.outputs).toEqual({
      AlarmTopicArn: 'arn:aws:sns:us-east-1:000000000000:Alarms',
      NamedArn: 'arn:aws:sns:us-east-1:000000000000:named',
      NamedName: 'named',
    });
    expect(await endpoints(platform.outputs.AlarmTopicArn)).toEqual(['on-call@example.com', 'https://pager.example/']);
    expect(await endpoints(platform.outputs.NamedArn)).toEqual([]);
    expect(await policy(platform.outputs.AlarmTopicArn)).toEqual([
      { Effect: 'Deny', Resource: 'arn:aws:sns:us-east-1:000000000000:Alarms' },
    ]);
    // SNS's own.
    expect(await policy(platform.outputs.NamedArn)).toMatchObject([
      { Effect: 'Allow', Condition: { StringEquals: { 'AWS:SourceOwner': '000000000000' } } },
    ]);
  } finally {
    client.destroy();
    await platform.stop();
    remove();
  }
});
