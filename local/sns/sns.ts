import type { RestApi, RestResponse } from '../control-plane/rest.ts';
import { arnOf, type Resolver } from '../resolver.ts';

/** A topic, with its attributes. */
export interface Topic {
  readonly topicArn: string;
  /** JSON. */
  readonly policy: string;
}

/** A subscription of a topic. */
export interface Subscription {
  readonly topicArn: string;
  /** `email`, `https`, `sqs` and so on. */
  readonly protocol: string;
  readonly endpoint: string;
}

/** Gives every topic of the template its ARN. */
export function registerTopics(resolver: Resolver): void {
  for (const logicalId of resolver.logicalIds('AWS::SNS::Topic')) {
    const arn = arnOf('sns', resolver.nameOf(logicalId, 'TopicName'));
    resolver.register(logicalId, { ref: arn, attributes: { TopicArn: arn } });
  }
}

/** SNS with the topics and subscriptions of the template. @throws Error if a topic has no policy, or its own subscriptions */
export function topicsApi(resolver: Resolver): RestApi {
  const policies = resolver.logicalIds('AWS::SNS::TopicPolicy').map((logicalId) => resolver.properties(logicalId));
  const topics = resolver.logicalIds('AWS::SNS::Topic').map((logicalId) => {
    const topicArn = String(resolver.resolve({ Ref: logicalId }, logicalId));
    const policy = policies.find(({ Topics }) => (Topics as readonly string[]).includes(topicArn));
    if (policy === undefined) throw new Error(`${logicalId}: the local platform knows no default policy of a topic`);
    if (resolver.properties(logicalId).Subscription !== undefined) {
      throw new Error(`${logicalId}: the local platform reads AWS::SNS::Subscription only`);
    }
    return { topicArn, policy: JSON.stringify(policy.PolicyDocument) };
  });
  const subscriptions = resolver.logicalIds('AWS::SNS::Subscription').map((logicalId) => {
    const { TopicArn, Protocol, Endpoint } = resolver.properties(logicalId);
    return { topicArn: String(TopicArn), protocol: String(Protocol), endpoint: String(Endpoint) };
  });
  return snsApi(topics, subscriptions);
}

/** SNS speaks the query protocol: a form in, XML out, both under this name. */
const VERSION = '2010-03-31';
const NAMESPACE = `http://sns.amazonaws.com/doc/${VERSION}/`;

/**
 * SNS's `ListSubscriptionsByTopic`, in one page, and `GetTopicAttributes`, for `@aws-sdk/client-sns`. Every subscription is
 * confirmed: nothing is published here, so none needs a confirmation.
 *
 * @param topics others are NotFound
 */
export function snsApi(topics: readonly Topic[], subscriptions: readonly Subscription[]): RestApi {
  return async ({ method, segments, body }) => {
    const form = new URLSearchParams(body.toString());
    if (method !== 'POST' || segments.join('/') !== '' || form.get('Version') !== VERSION) return undefined;
    const operation = form.get('Action');
    if (operation !== 'ListSubscriptionsByTopic' && operation !== 'GetTopicAttributes') {
      return failure(400, 'InvalidAction', `no ${operation} here`);
    }
    const topic = topics.find(({ topicArn }) => topicArn === form.get('TopicArn'));
    if (topic === undefined) return failure(404, 'NotFound', 'Topic does not exist');
    if (operation === 'GetTopicAttributes') return attributesOf(topic);
    return listed(subscriptions.filter(({ topicArn }) => topicArn === topic.topicArn));
  };
}

function attributesOf({ topicArn, policy }: Topic): RestResponse {
  const attributes = { TopicArn: topicArn, Owner: topicArn.split(':')[4] ?? '', Policy: policy };
  const entries = Object.entries(attributes).map(([name, value]) =>
    element('entry', element('key', name) + element('value', escaped(value))),
  );
  const result = element('GetTopicAttributesResult', element('Attributes', entries.join('')));
  return xmlResponse(200, 'GetTopicAttributesResponse', result);
}

function listed(subscriptions: readonly Subscription[]): RestResponse {
  const members = subscriptions.map(({ topicArn, protocol, endpoint }, index) => {
    const fields = {
      SubscriptionArn: `${topicArn}:${index + 1}`,
      Owner: topicArn.split(':')[4] ?? '',
      Protocol: protocol,
      Endpoint: endpoint,
      TopicArn: topicArn,
    };
    const parts = Object.entries(fields).map(([name, value]) => element(name, escaped(value)));
    return element('member', parts.join(''));
  });
  const result = element('ListSubscriptionsByTopicResult', element('Subscriptions', members.join('')));
  return xmlResponse(200, 'ListSubscriptionsByTopicResponse', result);
}

function failure(status: number, code: string, message: string): RestResponse {
  const fields = [element('Type', 'Sender'), element('Code', code), element('Message', escaped(message))];
  return xmlResponse(status, 'ErrorResponse', element('Error', fields.join('')));
}

function xmlResponse(status: number, root: string, content: string): RestResponse {
  const body = `<${root} xmlns="${NAMESPACE}">${content}</${root}>`;
  return { status, headers: { 'Content-Type': 'text/xml' }, body };
}

function element(name: string, content: string): string {
  return `<${name}>${content}</${name}>`;
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
