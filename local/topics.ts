import type { RestApi } from './control-plane/rest.ts';
import { type Subscription, snsApi } from './control-plane/sns.ts';
import { ACCOUNT, REGION, type Resolver } from './resolver.ts';
import { resourcesOfType, type Template } from './template.ts';

interface TopicProperties {
  /** Subscriptions that stand in the topic itself. */
  readonly Subscription?: readonly { readonly Protocol: string; readonly Endpoint: string }[];
}

interface SubscriptionProperties {
  readonly TopicArn: string;
  readonly Protocol: string;
  readonly Endpoint?: string;
}

/** Gives every topic of the template its ARN and name. */
export function registerTopics(template: Template, resolver: Resolver): void {
  for (const [logicalId, { Properties }] of resourcesOfType(template, 'AWS::SNS::Topic')) {
    const name = String(resolver.resolve(Properties?.TopicName, logicalId) ?? logicalId);
    const arn = `arn:aws:sns:${REGION}:${ACCOUNT}:${name}`;
    resolver.register(logicalId, { ref: arn, attributes: { TopicArn: arn, TopicName: name } });
  }
}

/** SNS with the topics and subscriptions of the template. @throws UnresolvedReference */
export function topicsApi(template: Template, resolver: Resolver): RestApi {
  const topics = resourcesOfType(template, 'AWS::SNS::Topic').map(([logicalId]) => {
    const topicArn = String(resolver.resolve({ Ref: logicalId }, logicalId));
    const { Subscription: own = [] } = resolver.properties(logicalId) as TopicProperties;
    return { topicArn, own: own.map(({ Protocol, Endpoint }) => subscription(topicArn, Protocol, Endpoint)) };
  });
  const others = resourcesOfType(template, 'AWS::SNS::Subscription').map(([logicalId]) => {
    const { TopicArn, Protocol, Endpoint } = resolver.properties(logicalId) as unknown as SubscriptionProperties;
    return subscription(TopicArn, Protocol, Endpoint);
  });
  const topicArns = topics.map(({ topicArn }) => topicArn);
  return snsApi(topicArns, [...topics.flatMap(({ own }) => own), ...others]);
}

function subscription(topicArn: string, protocol: string, endpoint = ''): Subscription {
  return { topicArn, protocol, endpoint };
}
