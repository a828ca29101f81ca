import {
  GetTopicAttributesCommand,
  ListSubscriptionsByTopicCommand,
  PublishCommand,
  SNSClient,
} from '@aws-sdk/client-sns';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { type ControlPlane, startControlPlane } from '../../../local/control-plane/server.ts';
import { snsApi } from '../../../local/sns/sns.ts';
import { clientOptions } from '../../support/client-options.ts';

const ALARMS = 'arn:aws:sns:us-east-1:000000000000:alarms';
const QUIET = 'arn:aws:sns:us-east-1:000000000000:quiet';
/** With what XML has to escape. */
const POLICY = '{"Statement":[{"Sid":"<a> & b"}]}';

let plane: ControlPlane;
let client: SNSClient;

beforeEach(async () => {
  plane = await startControlPlane();
  const subscription = { topicArn: ALARMS, protocol: 'https', endpoint: 'https://on.call/?a=1&lt;=<2>' };
  plane.registerRest(
    snsApi(
      [ALARMS, QUIET].map((topicArn) => ({ topicArn, policy: POLICY })),
      [subscription],
    ),
  );
  client = new SNSClient(clientOptions(plane.endpoint));
});

afterEach(async () => {
  client.destroy();
  await plane.close();
});

function ask(TopicArn: string) {
  return client.send(new ListSubscriptionsByTopicCommand({ TopicArn }));
}

test('a topic’s subscriptions are there, and confirmed', async () => {
  const { Subscriptions, NextToken } = await ask(ALARMS);
  expect(Subscriptions).toEqual([
    {
      SubscriptionArn: `${ALARMS}:1`,
      Owner: '000000000000',
      Protocol: 'https',
      Endpoint: 'https://on.call/?a=1&lt;=<2>',
      TopicArn: ALARMS,
    },
  ]);
  expect(NextToken).toBeUndefined();
});

test('a topic without subscriptions has none', async () => {
  expect((await ask(QUIET)).Subscriptions).toEqual([]);
});

test('a topic’s attributes have its policy', async () => {
  const { Attributes } = await client.send(new GetTopicAttributesCommand({ TopicArn: ALARMS }));
  expect(Attributes).toEqual({ TopicArn: ALARMS, Owner: '000000000000', Policy: POLICY });
});

test('no such topic', async () => {
  await expect(ask(`${ALARMS}2`)).rejects.toMatchObject({
    name: 'NotFoundException',
    message: 'Topic does not exist',
    $metadata: { httpStatusCode: 404 },
  });
});

test('nothing else is understood', async () => {
  const publishing = client.send(new PublishCommand({ TopicArn: ALARMS, Message: 'x' }));
  await expect(publishing).rejects.toMatchObject({ message: 'no Publish here' });
});
