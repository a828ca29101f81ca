import { paginateListSubscriptionsByTopic, type Subscription } from '@aws-sdk/client-sns';
import { type Check, noted } from './check.ts';
import { type Finding, no, yes } from './finding.ts';

const WHAT = 'alarm subscriptions';

/** What SNS returns in place of an ARN before a subscription is confirmed, and after it is deleted. */
const UNCONFIRMED = ['PendingConfirmation', 'Deleted'];

export const alarmSubscriptions: Check = {
  what: WHAT,
  async run({ stage }) {
    const topicArn = stage.output('AlarmTopicArn');
    const found: Subscription[] = [];
    for await (const page of paginateListSubscriptionsByTopic({ client: stage.sns }, { TopicArn: topicArn })) {
      found.push(...(page.Subscriptions ?? []));
    }
    const words = `subscribe --topic-arn ${topicArn} --protocol email --notification-endpoint ADDRESS`;
    return [judgeSubscriptions(found, stage.awsCli('sns', words))];
  },
};

/** Alarms have subscribers, and all of them have confirmed. @param subscribe the command that subscribes */
export function judgeSubscriptions(found: readonly Subscription[], subscribe: string): Finding {
  const waiting = found.filter(({ SubscriptionArn = '' }) => UNCONFIRMED.includes(SubscriptionArn));
  if (waiting.length > 0) {
    const names = waiting.map(nameOf).join(', ');
    return no(
      WHAT,
      `not confirmed: ${names}`,
      noted(subscribe, 'sends the request again; or confirm by the link that SNS sent'),
    );
  }
  if (found.length === 0) return no(WHAT, 'no address receives alarms', subscribe);
  return yes(WHAT, `confirmed: ${found.map(nameOf).join(', ')}`);
}

/** Without path and query of a URL, which often hold a pager's key. */
function nameOf({ Protocol: protocol = 'unknown', Endpoint: endpoint = '' }: Subscription): string {
  if (protocol.startsWith('http')) return `${protocol} ${URL.parse(endpoint)?.hostname ?? ''}`.trim();
  return protocol.startsWith('email') ? `${protocol} ${endpoint}` : protocol;
}
