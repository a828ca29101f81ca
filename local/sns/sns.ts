import { randomUUID } from 'node:crypto';
import type { RestApi, RestResponse } from '../control-plane/rest.ts';
import { arnOf, type Resolver } from '../resolver.ts';

/** Subscriptions with a filter policy per topic, by default (Amazon SNS quotas). */
const MAX_FILTER_POLICIES = 200;

interface Topic {
  readonly topicArn: string;
  /** JSON. */
  readonly policy: string;
}

interface Subscription {
  readonly arn: string;
  readonly topicArn: string;
  /** `email`, `https`, `sqs` and so on. */
  readonly protocol: string;
  readonly endpoint: string;
  /** `FilterPolicy` and `FilterPolicyScope`. */
  readonly attributes: Record<string, string>;
  /** For `ConfirmSubscription`; undefined after it. */
  token: string | undefined;
}

/** A mail that SNS would send. */
export interface Mail {
  readonly address: string;
  readonly topicArn: string;
  readonly kind: 'confirmation' | 'notification';
  /** The message; of a confirmation the token, which the link of a real one contains. */
  readonly text: string;
}

/** Gives every topic of the template its ARN. */
export function registerTopics(resolver: Resolver): void {
  for (const logicalId of resolver.logicalIds('AWS::SNS::Topic')) {
    const arn = arnOf('sns', resolver.nameOf(logicalId, 'TopicName'));
    resolver.register(logicalId, { ref: arn, attributes: { TopicArn: arn } });
  }
}

/**
 * SNS with the topics and subscriptions of the template, for `@aws-sdk/client-sns`. Subscriptions of the template are
 * confirmed; others are when `ConfirmSubscription` gets the token of their mail. Nothing is sent: `mails` has every mail.
 */
export class Topics {
  /** Every mail, oldest first. */
  readonly mails: Mail[] = [];
  readonly #topics: readonly Topic[];
  readonly #subscriptions: Subscription[];

  /** @throws Error if a topic has no policy, or its own subscriptions */
  constructor(resolver: Resolver) {
    const policies = resolver.logicalIds('AWS::SNS::TopicPolicy').map((logicalId) => resolver.properties(logicalId));
    this.#topics = resolver.logicalIds('AWS::SNS::Topic').map((logicalId) => {
      const topicArn = String(resolver.resolve({ Ref: logicalId }, logicalId));
      const policy = policies.find(({ Topics }) => (Topics as readonly string[]).includes(topicArn));
      if (policy === undefined) throw new Error(`${logicalId}: the local platform knows no default policy of a topic`);
      if (resolver.properties(logicalId).Subscription !== undefined) {
        throw new Error(`${logicalId}: the local platform reads AWS::SNS::Subscription only`);
      }
      return { topicArn, policy: JSON.stringify(policy.PolicyDocument) };
    });
    this.#subscriptions = resolver.logicalIds('AWS::SNS::Subscription').map((logicalId, index) => {
      const { TopicArn, Protocol, Endpoint } = resolver.properties(logicalId);
      return {
        arn: `${TopicArn}:${index + 1}`,
        topicArn: String(TopicArn),
        protocol: String(Protocol),
        endpoint: String(Endpoint),
        attributes: {},
        token: undefined,
      };
    });
  }

  /** Whether the policy of a topic lets a service publish; conditions are not evaluated. */
  mayPublish(topicArn: string, service: string): boolean {
    const topic = this.#topics.find((one) => one.topicArn === topicArn);
    if (topic === undefined) return false;
    const { Statement } = JSON.parse(topic.policy) as { Statement: PolicyStatement[] };
    return Statement.some(
      ({ Effect, Action, Principal }) =>
        Effect === 'Allow' && [Action].flat().includes('sns:Publish') && [Principal?.Service].flat().includes(service),
    );
  }

  /** Mails a message to the confirmed subscribers whose filter matches it. */
  publish(topicArn: string, message: string): void {
    for (const one of this.#subscriptions) {
      const isConfirmed = one.topicArn === topicArn && one.token === undefined;
      if (!isConfirmed || one.protocol !== 'email' || !matchesFilter(one, message)) continue;
      this.mails.push({ address: one.endpoint, topicArn, kind: 'notification', text: message });
    }
  }

  /** Confirms the pending subscriptions of an address. @returns whether there was one */
  confirm(address: string): boolean {
    const pending = this.#subscriptions.filter(({ endpoint, token }) => endpoint === address && token !== undefined);
    for (const one of pending) one.token = undefined;
    return pending.length > 0;
  }

  /** SNS's query protocol: a form in, XML out. */
  readonly api: RestApi = async ({ method, segments, body }) => {
    const form = new URLSearchParams(body.toString());
    if (method !== 'POST' || segments.join('/') !== '' || form.get('Version') !== VERSION) return undefined;
    const action = form.get('Action') ?? '';
    try {
      return xmlResponse(200, `${action}Response`, element(`${action}Result`, this.#perform(action, form)));
    } catch (thrown) {
      if (thrown instanceof Refused) return thrown.response;
      throw thrown;
    }
  };

  /** @returns the content of the result element @throws Refused */
  #perform(action: string, form: URLSearchParams): string {
    switch (action) {
      case 'GetTopicAttributes': {
        const { topicArn, policy } = this.#topic(form);
        return attributesElement({ TopicArn: topicArn, Owner: ownerOf(topicArn), Policy: policy });
      }
      case 'ListSubscriptionsByTopic': {
        const { topicArn } = this.#topic(form);
        const members = this.#subscriptions.filter((one) => one.topicArn === topicArn).map(memberElement);
        return element('Subscriptions', members.join(''));
      }
      case 'Subscribe':
        return element('SubscriptionArn', this.#subscribe(form));
      case 'ConfirmSubscription': {
        const found = this.#subscriptions.find(({ token }) => token !== undefined && token === form.get('Token'));
        if (found === undefined) throw new Refused(400, 'InvalidParameter', 'Invalid parameter: Token');
        found.token = undefined;
        return element('SubscriptionArn', found.arn);
      }
      case 'GetSubscriptionAttributes': {
        const { arn, topicArn, protocol, endpoint, attributes, token } = this.#subscription(form);
        const PendingConfirmation = String(token !== undefined);
        const own = { SubscriptionArn: arn, TopicArn: topicArn, Protocol: protocol, Endpoint: endpoint };
        return attributesElement({ ...own, ...attributes, PendingConfirmation });
      }
      case 'SetSubscriptionAttributes': {
        const found = this.#subscription(form);
        found.attributes[form.get('AttributeName') ?? ''] = form.get('AttributeValue') ?? '';
        return '';
      }
      case 'Unsubscribe': {
        const found = this.#subscription(form);
        if (found.token !== undefined) throw new Refused(400, 'InvalidParameter', 'it is pending confirmation');
        this.#subscriptions.splice(this.#subscriptions.indexOf(found), 1);
        return '';
      }
      default:
        throw new Refused(400, 'InvalidAction', `no ${action} here`);
    }
  }

  /** A pending subscription gets its mail again. @returns the ARN, or `pending confirmation`, as SNS does */
  #subscribe(form: URLSearchParams): string {
    const { topicArn } = this.#topic(form);
    const [protocol, endpoint] = [form.get('Protocol') ?? '', form.get('Endpoint') ?? ''];
    if (protocol !== 'email') throw new Refused(400, 'InvalidParameter', 'only email is supported here');
    const attributes = attributesOf(form);
    let found = this.#subscriptions.find((one) => one.topicArn === topicArn && one.endpoint === endpoint);
    if (found === undefined) {
      this.#checkQuota(topicArn, attributes);
      found = { arn: `${topicArn}:${randomUUID()}`, topicArn, protocol, endpoint, attributes, token: randomUUID() };
      this.#subscriptions.push(found);
    } else if (Object.entries(attributes).some(([name, value]) => found?.attributes[name] !== value)) {
      const reason = 'Subscription already exists with different attributes';
      throw new Refused(400, 'InvalidParameter', `Invalid parameter: Attributes Reason: ${reason}`);
    }
    const { token } = found;
    if (token !== undefined) this.mails.push({ address: endpoint, topicArn, kind: 'confirmation', text: token });
    return token === undefined || form.get('ReturnSubscriptionArn') === 'true' ? found.arn : 'pending confirmation';
  }

  #checkQuota(topicArn: string, { FilterPolicy }: Readonly<Record<string, string>>): void {
    const filters = this.#subscriptions.filter((one) => one.topicArn === topicArn && one.attributes.FilterPolicy);
    if (FilterPolicy !== undefined && filters.length >= MAX_FILTER_POLICIES)
      throw new Refused(403, 'FilterPolicyLimitExceeded', 'Filter policy limit exceeded');
  }

  #topic(form: URLSearchParams): Topic {
    const topic = this.#topics.find(({ topicArn }) => topicArn === form.get('TopicArn'));
    if (topic === undefined) throw new Refused(404, 'NotFound', 'Topic does not exist');
    return topic;
  }

  #subscription(form: URLSearchParams): Subscription {
    const found = this.#subscriptions.find(({ arn }) => arn === form.get('SubscriptionArn'));
    if (found === undefined) throw new Refused(404, 'NotFound', 'Subscription does not exist');
    return found;
  }
}

interface PolicyStatement {
  readonly Effect: string;
  readonly Action: string | readonly string[];
  readonly Principal?: { readonly Service?: string | readonly string[] };
}

/** Whether a message passes a filter policy with lists of exact values on the body. */
function matchesFilter({ attributes }: Subscription, message: string): boolean {
  const { FilterPolicy, FilterPolicyScope } = attributes;
  if (FilterPolicy === undefined) return true;
  // The default scope is message attributes, which nothing here sets.
  if (FilterPolicyScope !== 'MessageBody') return false;
  const body = JSON.parse(message) as Record<string, unknown>;
  const wanted = Object.entries(JSON.parse(FilterPolicy) as Record<string, readonly unknown[]>);
  return wanted.every(([name, values]) => values.includes(body[name]));
}

/** `Attributes.entry.1.key=FilterPolicy&Attributes.entry.1.value=…` */
function attributesOf(form: URLSearchParams): Record<string, string> {
  const keys = [...form.keys()].filter((name) => /^Attributes\.entry\.\d+\.key$/.test(name));
  return Object.fromEntries(keys.map((name) => [form.get(name) ?? '', form.get(name.replace(/key$/, 'value')) ?? '']));
}

/** SNS speaks the query protocol: a form in, XML out, both under this name. */
const VERSION = '2010-03-31';
const NAMESPACE = `http://sns.amazonaws.com/doc/${VERSION}/`;

class Refused extends Error {
  readonly response: RestResponse;

  constructor(status: number, code: string, message: string) {
    super(message);
    const fields = [element('Type', 'Sender'), element('Code', code), element('Message', escaped(message))];
    this.response = xmlResponse(status, 'ErrorResponse', element('Error', fields.join('')));
  }
}

function memberElement({ arn, topicArn, protocol, endpoint, token }: Subscription): string {
  const fields = {
    SubscriptionArn: token === undefined ? arn : 'PendingConfirmation',
    Owner: ownerOf(topicArn),
    Protocol: protocol,
    Endpoint: endpoint,
    TopicArn: topicArn,
  };
  const parts = Object.entries(fields).map(([name, value]) => element(name, escaped(value)));
  return element('member', parts.join(''));
}

function attributesElement(attributes: Readonly<Record<string, string>>): string {
  const entries = Object.entries(attributes).map(([name, value]) =>
    element('entry', element('key', name) + element('value', escaped(value))),
  );
  return element('Attributes', entries.join(''));
}

function ownerOf(topicArn: string): string {
  return topicArn.split(':')[4] ?? '';
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
