import { ArnFormat, Duration, Stack } from 'aws-cdk-lib';
import { AlarmRule, CompositeAlarm, type IAlarm } from 'aws-cdk-lib/aws-cloudwatch';
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions';
import { PolicyStatement, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Topic } from 'aws-cdk-lib/aws-sns';
import { EmailSubscription } from 'aws-cdk-lib/aws-sns-subscriptions';
import { Construct } from 'constructs';
import { AlarmMaker, type AlarmText, alarmName, describeAlarm } from './alarm-maker.ts';
import { criticalAlarms, deliveryAlarms } from './delivery-alarms.ts';
import type { HarmAlarms } from './harm-alarms.ts';
import { stackOutputs } from './outputs.ts';
import { pipelineAlarms, type Watched } from './pipeline-alarms.ts';
import type { Stage } from './stage-schema.ts';
import { warehouseAlarms } from './warehouse-alarms.ts';

export interface AlarmsProps extends Watched {
  readonly stage: Stage;
  readonly harm: HarmAlarms;
}

/** How long a page waits for a wider one that would explain it: alarms of one outage go off within a few minutes. */
const WAIT_FOR_SUPPRESSOR = Duration.minutes(3);

/**
 * Every alarm except those that AppConfig watches (`harm-alarms.ts`), and the topic that reports them.
 *
 * Notices go to the topic as they are. Pages are four composites, so that one outage is one page: of the warehouse, of
 * partners, and of the pipeline itself. The pipeline's page suppresses these two, since a pipeline that stands still fails
 * at both. Nothing suppresses the fourth, of webhooks that must not be lost.
 */
export class Alarms extends Construct {
  private readonly topic: Topic;
  private readonly stageName: string;
  private readonly notify: SnsAction;

  constructor(scope: Construct, id: string, { stage, harm, ...watched }: AlarmsProps) {
    super(scope, id);
    this.stageName = stage.name;
    this.topic = this.createTopic(stage.alarmEmails);
    this.notify = new SnsAction(this.topic);
    const make = new AlarmMaker(this, stage.name, this.notify);
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
      of: [harm.failedAttempts, ...deliveryAlarms(make, watched.queues)],
      unless: pipeline,
    });
    this.page('page-critical', {
      when: 'An event that must not be lost was rejected, or its webhook given up',
      impact: 'somebody waits for it in vain until it is sent anew',
      of: criticalAlarms(make),
    });
    stackOutputs(this, {
      AlarmTopicArn: [
        this.topic.topicArn,
        'Who is told of alarms: subscribe whoever is on call, or deploy with -c alarmEmails=…',
      ],
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

  private page(
    name: string,
    { of, unless, ...text }: AlarmText & { readonly of: IAlarm[]; readonly unless?: IAlarm },
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
