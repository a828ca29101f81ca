import { GetTopicAttributesCommand } from '@aws-sdk/client-sns';
import type { Stage } from '../shared/stage.ts';
import { type Check, noted } from './check.ts';
import { evaluatePolicy, PolicyNotUnderstood, type PolicyStatement } from './evaluate-policy.ts';
import { type Finding, no, unknown, yes } from './finding.ts';

const WHAT = 'alarm notifications';

/** AWS's own key for SNS: its policy lets no other service in (SNS Developer Guide, "Key management"). */
const CLOSED_KEY = 'alias/aws/sns';

/** Whether CloudWatch may publish to the topic. An alarm whose notification is refused looks like any other. */
export const alarmNotifications: Check = {
  what: WHAT,
  async run({ stage }) {
    const topicArn = stage.output('AlarmTopicArn');
    const { Attributes = {} } = await stage.sns.send(new GetTopicAttributesCommand({ TopicArn: topicArn }));
    return [judgeTopic(topicArn, Attributes, stage)];
  },
};

/** CloudWatch may publish to the topic, for the stage's alarms. @param attributes as `GetTopicAttributes` returns them */
export function judgeTopic(
  topicArn: string,
  { Policy: policy = '', KmsMasterKeyId: key = '' }: Readonly<Record<string, string>>,
  stage: Pick<Stage, 'name'>,
): Finding {
  const repair = noted(
    `npx cdk diff -c stage=${stage.name}`,
    'then deploy it, with --revert-drift where the topic was changed by hand: docs/how-to/update-and-roll-back.md',
  );
  if (key === CLOSED_KEY) return no(WHAT, `the topic is encrypted by ${key}, which CloudWatch may not use`, repair);
  const [, partition = '', , region = '', account = ''] = topicArn.split(':');
  const alarm = `arn:${partition}:cloudwatch:${region}:${account}:alarm:learning-time-webhooks-${stage.name}-page-pipeline`;
  try {
    const { Statement } = JSON.parse(policy) as { Statement: PolicyStatement[] };
    const verdict = evaluatePolicy(Statement, {
      principal: 'cloudwatch.amazonaws.com',
      action: 'sns:Publish',
      resource: topicArn,
      context: {
        'aws:SecureTransport': 'true',
        'aws:SourceAccount': account,
        'aws:SourceArn': alarm,
        // By this key the policy that SNS makes itself lets CloudWatch in.
        'aws:SourceOwner': account,
      },
    });
    if (verdict === 'allowed') return yes(WHAT, 'CloudWatch may publish to the topic');
    const why = verdict === 'denied' ? 'denies it to CloudWatch' : 'does not let CloudWatch publish';
    return no(WHAT, `the topic’s policy ${why}: no notification is delivered`, repair);
  } catch (thrown) {
    if (thrown instanceof PolicyNotUnderstood || thrown instanceof SyntaxError) {
      return unknown(WHAT, `the topic’s policy was not understood: ${thrown.message}`, repair);
    }
    throw thrown;
  }
}
