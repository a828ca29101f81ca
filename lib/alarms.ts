import { ArnFormat, Duration, Stack } from 'aws-cdk-lib';
import { type Alarm, AlarmRule, CompositeAlarm, type IAlarm } from 'aws-cdk-lib/aws-cloudwatch';
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions';
import { PolicyStatement, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Topic } from 'aws-cdk-lib/aws-sns';
import { EmailSubscription } from 'aws-cdk-lib/aws-sns-subscriptions';
import { Construct } from 'constructs';
import type { AlarmMaker } from './alarm-maker.ts';
import { criticalAlarms, deliveryAlarms } from './delivery-alarms.ts';
import type { HarmAlarms } from './harm-alarms.ts';
import { pipelineAlarms, type Watched } from './pipeline-alarms.ts';
import { alarmName, describeAlarm, type StageAlarmProps, stageAlarm } from './stage-alarm.ts';
import type { Stage } from './stage-schema.ts';
import { warehouseAlarms } from './warehouse-alarms.ts';

export interface AlarmsProps extends Watched {
  readonly stage: Stage;
  readonly harm: HarmAlarms;
}

/** How long a page waits for a wider one that would explain it: alarms of one outage go off within a few minutes. */
const WAIT_FOR_SUPPRESSOR = Duration.minutes(3);

/**
 * Every alarm but those that AppConfig watches (`harm-alarms.ts`), and who is told.
 *
 * Notices go to a topic as they are. What somebody is woken up for are four composites, so that one outage is one page:
 * of the warehouse, of partners, and of the pipeline itself, which holds back these two: one that stands still fails
 * at both. The fourth, of webhooks that must not be lost, nothing holds back.
 */
export class Alarms extends Construct {
  readonly topic: Topic;
  private readonly stageName: string;
  private readonly notify: SnsAction;

  constructor(scope: Construct, id: string, { stage, harm, ...watched }: AlarmsProps) {
    super(scope, id);
    this.stageName = stage.name;
    this.topic = this.createTopic(stage.alarmEmails);
    this.notify = new SnsAction(this.topic);
    const make = this.maker();
    const pipeline = this.page('page-pipeline', {
      when: 'Events or deliveries wait, functions fail, or something the pipeline stands on does not answer',
      impact: 'webhooks of all partners are late, and lost after days',
      of: [harm.eventAge, harm.deliveryAge, ...pipelineAlarms(make, watched)],
    });
    this.page('page-warehouse', {
      when: 'Snowflake fails, is slow, or webhooks go out without learning time',
      impact: 'completions are late by minutes, then go out without learning time',
      of: [harm.fallbacks, ...warehouseAlarms(make)],
      unless: pipeline,
    });
    this.page('page-partners', {
      when: 'Over 20% of tries at partners fail, or webhooks that were given up are about to be lost',
      impact: 'partners get webhooks late, or never',
      of: [harm.failedTries, ...deliveryAlarms(make, watched.queues)],
      unless: pipeline,
    });
    this.page('page-critical', {
      when: 'An event that must not be lost was rejected, or its webhook given up',
      impact: 'somebody waits for it in vain until it is sent anew',
      of: criticalAlarms(make),
    });
  }

  /** Not encrypted: alarms say nothing that is not in their descriptions, and may not use the account's own key for SNS. */
  private createTopic(emails: readonly string[]): Topic {
    const topic = new Topic(this, 'Topic', { enforceSSL: true });
    this.letAlarmsPublish(topic);
    for (const email of emails) topic.addSubscription(new EmailSubscription(email));
    return topic;
  }

  /**
   * `enforceSSL` gives the topic a policy, and a topic with a policy has lost SNS's default one, which lets its own account
   * publish. CDK's `SnsAction` grants nothing, so the stage's alarms are allowed here, and no others.
   */
  private letAlarmsPublish(topic: Topic): void {
    const stack = Stack.of(this);
    const alarms = stack.formatArn({
      service: 'cloudwatch',
      resource: 'alarm',
      resourceName: alarmName(this.stageName, '*'),
      arnFormat: ArnFormat.COLON_RESOURCE_NAME,
    });
    topic.addToResourcePolicy(
      new PolicyStatement({
        sid: 'Alarms',
        principals: [new ServicePrincipal('cloudwatch.amazonaws.com')],
        actions: ['sns:Publish'],
        resources: [topic.topicArn],
        conditions: {
          StringEquals: { 'aws:SourceAccount': stack.account },
          ArnLike: { 'aws:SourceArn': alarms },
        },
      }),
    );
  }

  private maker(): AlarmMaker {
    const alarm = (name: string, props: StageAlarmProps) => stageAlarm(this, this.stageName, name, props);
    const notice = (name: string, props: StageAlarmProps): Alarm => {
      const made = alarm(name, props);
      made.addAlarmAction(this.notify);
      return made;
    };
    return {
      stageName: this.stageName,
      alarm,
      notice,
      recovery: (name, props) => {
        const made = notice(name, props);
        made.addOkAction(this.notify);
        return made;
      },
    };
  }

  private page(
    name: string,
    {
      of,
      unless,
      ...text
    }: Pick<StageAlarmProps, 'when' | 'impact'> & { readonly of: IAlarm[]; readonly unless?: IAlarm },
  ): CompositeAlarm {
    const page = new CompositeAlarm(this, name, {
      compositeAlarmName: alarmName(this.stageName, name),
      alarmDescription: describeAlarm(name, text),
      alarmRule: AlarmRule.anyOf(...of),
      ...(unless !== undefined && {
        actionsSuppressor: unless,
        actionsSuppressorWaitPeriod: WAIT_FOR_SUPPRESSOR,
        actionsSuppressorExtensionPeriod: WAIT_FOR_SUPPRESSOR,
      }),
    });
    page.addAlarmAction(this.notify);
    page.addOkAction(this.notify);
    return page;
  }
}
