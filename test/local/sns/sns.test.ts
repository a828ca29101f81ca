import {
  ConfirmSubscriptionCommand,
  GetTopicAttributesCommand,
  ListSubscriptionsByTopicCommand,
  PublishCommand,
  SetSubscriptionAttributesCommand,
  SNSClient,
  SubscribeCommand,
  UnsubscribeCommand,
} from '@aws-sdk/client-sns';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { type ControlPlane, startControlPlane } from '../../../local/control-plane/server.ts';
import { registerTopics, Topics } from '../../../local/sns/sns.ts';
import { clientOptions } from '../../support/client-options.ts';
import { resolverOf } from '../../support/running-platform.ts';

const ALARMS = 'arn:aws:sns:us-east-1:000000000000:Alarms';
const QUIET = 'arn:aws:sns:us-east-1:000000000000:quiet';

/** With what XML has to escape. */
const Statement = [{ Sid: '<a> & b', Resource: { Ref: 'Alarms' } }];
const Endpoint = 'https://on.call/?a=1&lt;=<2>';
const Policy = {
  Type: 'AWS::SNS::TopicPolicy',
  Properties: { Topics: [{ Ref: 'Alarms' }, { Ref: 'Quiet' }], PolicyDocument: { Statement } },
};
const resources = {
  Alarms: { Type: 'AWS::SNS::Topic', Properties: {} },
  Quiet: { Type: 'AWS::SNS::Topic', Properties: { TopicName: 'quiet' } },
  Pager: {
    Type: 'AWS::SNS::Subscription',
    Properties: { TopicArn: { Ref: 'Alarms' }, Protocol: 'https', Endpoint },
  },
};

let plane: ControlPlane;
let client: SNSClient;
beforeEach(async () => {
  plane = await startControlPlane();
  client = new SNSClient(clientOptions(plane.endpoint));
});
afterEach(async () => {
  client.destroy();
  await plane.close();
});

function topicsOf(more: object): Topics {
  const resolver = resolverOf({ ...resources, ...more });
  registerTopics(resolver);
  return new Topics(resolver);
}
const list = (TopicArn: string) => client.send(new ListSubscriptionsByTopicCommand({ TopicArn }));

test('topics of the template have their subscriptions, confirmed, and their policy', async () => {
  plane.registerRest(topicsOf({ Policy }).api);
  const { Subscriptions, NextToken } = await list(ALARMS);
  const Owner = '000000000000';
  expect(Subscriptions).toEqual([
    { SubscriptionArn: `${ALARMS}:1`, Owner, Protocol: 'https', Endpoint, TopicArn: ALARMS },
  ]);
  expect(NextToken).toBeUndefined();
  expect((await list(QUIET)).Subscriptions).toEqual([]);
  const { Attributes } = await client.send(new GetTopicAttributesCommand({ TopicArn: ALARMS }));
  expect(Attributes).toMatchObject({ TopicArn: ALARMS, Owner });
  expect(JSON.parse(String(Attributes?.Policy))).toEqual({ Statement: [{ Sid: '<a> & b', Resource: ALARMS }] });
});

test('another topic, and another operation, are refused', async () => {
  plane.registerRest(topicsOf({ Policy }).api);
  const notFound = { name: 'NotFoundException', $metadata: { httpStatusCode: 404 } };
  await expect(list(`${ALARMS}2`)).rejects.toMatchObject(notFound);
  const publishing = client.send(new PublishCommand({ TopicArn: ALARMS, Message: 'x' }));
  await expect(publishing).rejects.toMatchObject({ message: 'no Publish here' });
});

test('mails go to confirmed addresses whose filter matches the body', async () => {
  const topics = topicsOf({ Policy });
  plane.registerRest(topics.api);
  const FilterPolicy = JSON.stringify({ integration_id: ['acme', 'beta'] });
  const subscribing = {
    ...{ TopicArn: ALARMS, Protocol: 'email', Endpoint: 'a@example.com' },
    Attributes: { FilterPolicy, FilterPolicyScope: 'MessageBody' },
  };
  const { SubscriptionArn } = await client.send(new SubscribeCommand({ ...subscribing, ReturnSubscriptionArn: true }));
  const acme = JSON.stringify({ integration_id: 'acme' });
  topics.publish(ALARMS, acme);
  const [confirmation, ...others] = topics.mails.splice(0);
  expect([confirmation?.kind, others]).toEqual(['confirmation', []]);
  const pending = (await list(ALARMS)).Subscriptions?.at(-1);
  expect(pending).toMatchObject({ Endpoint: 'a@example.com', SubscriptionArn: 'PendingConfirmation' });
  await expect(client.send(new UnsubscribeCommand({ SubscriptionArn }))).rejects.toThrow('pending');

  await client.send(new ConfirmSubscriptionCommand({ TopicArn: ALARMS, Token: confirmation?.text }));
  const other = { ...subscribing, Attributes: { FilterPolicy: '{}' } };
  await expect(client.send(new SubscribeCommand(other))).rejects.toThrow('already exists with different attributes');
  topics.publish(ALARMS, acme);
  topics.publish(ALARMS, JSON.stringify({ integration_id: 'gamma' }));
  const mail = { address: 'a@example.com', topicArn: ALARMS, kind: 'notification', text: acme };
  expect(topics.mails.splice(0)).toEqual([mail]);

  const narrower = { AttributeName: 'FilterPolicy', AttributeValue: '{"integration_id":["gamma"]}' };
  await client.send(new SetSubscriptionAttributesCommand({ SubscriptionArn, ...narrower }));
  topics.publish(ALARMS, acme);
  expect(topics.mails).toEqual([]);
  await client.send(new UnsubscribeCommand({ SubscriptionArn }));
  expect((await list(ALARMS)).Subscriptions).toHaveLength(1);

  // Without the token, by its address.
  await client.send(new SubscribeCommand(subscribing));
  expect([topics.confirm('a@example.com'), topics.confirm('a@example.com')]).toEqual([true, false]);
  topics.publish(ALARMS, acme);
  expect(topics.mails.at(-1)).toEqual(mail);
});

test('a topic without a policy, or with its own subscriptions, is refused', () => {
  expect(() => topicsOf({})).toThrow('Alarms: the local platform knows no default policy');
  const Alarms = { Type: 'AWS::SNS::Topic', Properties: { Subscription: [{ Protocol: 'email', Endpoint: 'a@b' }] } };
  expect(() => topicsOf({ Policy, Alarms })).toThrow('Alarms: the local platform reads AWS::SNS::Subscription only');
});
