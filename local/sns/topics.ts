import type { RestApi } from '../control-plane/rest.ts';
import { ACCOUNT, arnOf, type Resolver } from '../resolver.ts';
import { type Subscription, snsApi } from './sns.ts';

interface TopicProperties {
  /** Subscriptions in the topic's own properties. */
  readonly Subscription?: readonly { readonly Protocol: string; readonly Endpoint: string }[];
}

interface SubscriptionProperties {
  readonly TopicArn: string;
  readonly Protocol: string;
  readonly Endpoint?: string;
}

interface TopicPolicyProperties {
  readonly Topics: readonly string[];
  readonly PolicyDocument: object;
}

/** Gives every topic of the template its ARN and name. */
export function registerTopics(resolver: Resolver): void {
  for (const logicalId of resolver.logicalIds('AWS::SNS::Topic')) {
    const name = resolver.nameOf(logicalId, 'TopicName');
    const arn = arnOf('sns', name);
    resolver.register(logicalId, { ref: arn, attributes: { TopicArn: arn, TopicName: name } });
  }
}

/** SNS with the topics and subscriptions of the template. @throws UnresolvedReference */
export function topicsApi(resolver: Resolver): RestApi {
  const policies = new Map(
    resolver.logicalIds('AWS::SNS::TopicPolicy').flatMap((logicalId) => {
      const { Topics, PolicyDocument } = resolver.properties(logicalId) as unknown as TopicPolicyProperties;
      return Topics.map((topicArn) => [topicArn, JSON.stringify(PolicyDocument)] as const);
    }),
  );
  const topics = resolver.logicalIds('AWS::SNS::Topic').map((logicalId) => {
    const topicArn = String(resolver.resolve({ Ref: logicalId }, logicalId));
    const { Subscription: own = [] } = resolver.properties(logicalId) as TopicProperties;
    const subscriptions = own.map(({ Protocol, Endpoint }) => subscription(topicArn, Protocol, Endpoint));
    return { topicArn, own: subscriptions, policy: policies.get(topicArn) ?? defaultPolicy(topicArn) };
  });
  const others = resolver.logicalIds('AWS::SNS::Subscription').map((logicalId) => {
    const { TopicArn, Protocol, Endpoint } = resolver.properties(logicalId) as unknown as SubscriptionProperties;
    return subscription(TopicArn, Protocol, Endpoint);
  });
  return snsApi(topics, [...topics.flatMap(({ own }) => own), ...others]);
}

/** SNS's default policy of a topic: its account may do everything (SNS Developer Guide). */
function defaultPolicy(topicArn: string): string {
  const Action = ['SNS:Publish', 'SNS:Subscribe', 'SNS:GetTopicAttributes', 'SNS:SetTopicAttributes'];
  const Condition = { StringEquals: { 'AWS:SourceOwner': ACCOUNT } };
  const Statement = [{ Effect: 'Allow', Principal: { AWS: '*' }, Action, Resource: topicArn, Condition }];
  return JSON.stringify({ Version: '2008-10-17', Statement });
}

function subscription(topicArn: string, protocol: string, endpoint = ''): Subscription {
  return { topicArn, protocol, endpoint };
}
