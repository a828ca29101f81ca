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

/** How long a page waits for the page that suppresses it: the alarms of one outage fire within a few minutes. */
const WAIT_FOR_SUPPRESSOR = Duration.minutes(3);

/**
 * Every alarm except those that AppConfig monitors (`harm-alarms.ts`), and the topic that they notify.
 *
 * Notices publish to the topic themselves. Four composite alarms are the pages, so that one outage is one page: warehouse,
 * partners, pipeline and critical webhooks. The pipeline's page suppresses those of warehouse and partners, which fail too
 * when the pipeline stops. Nothing suppresses the page of critical webhooks.
 */
export class Alarms extends Construct {
  private readonly stageName: string;
  private readonly notify: SnsAction;

  constructor(
    scope: Construct,
    id: string,
    { stage, harm, ...watched }: Watched & { readonly stage: Stage; readonly harm: HarmAlarms },
  ) {
    super(scope, id);
    this.stageName = stage.name;
    // Not encrypted: notifications contain no data beyond the descriptions, and CloudWatch cannot use the AWS managed key for SNS.
    const topic = new Topic(this, 'Topic', { enforceSSL: true });
    this.letAlarmsPublish(topic);
    for (const email of stage.alarmEmails) topic.addSubscription(new EmailSubscription(email));
    this.notify = new SnsAction(topic);
    const make = new AlarmMaker(this, stage.name, this.notify);
    const pipeline = this.page('page-pipeline', {
      when: 'Events or deliveries wait, functions fail, or the ledger or a NAT gateway is unavailable',
      impact: 'webhooks of all partners are late; after four days they are lost',
      of: [harm.eventAge, harm.deliveryAge, ...pipelineAlarms(make, watched)],
    });
    this.page('page-warehouse', {
      when: 'Snowflake fails or is slow, or webhooks are sent without learning time',
      impact: 'completions are late by minutes, then sent without learning time',
      of: [harm.fallbacks, ...warehouseAlarms(make, watched.warmCache)],
      unless: pipeline,
    });
    this.page('page-partners', {
      when: 'Over 20% of delivery attempts fail, or dead-letter messages are about to expire',
      impact: 'partners receive webhooks late or not at all',
      of: [harm.failedAttempts, ...deliveryAlarms(make, watched.queues)],
      unless: pipeline,
    });
    this.page('page-critical', {
      when: 'An event of a critical kind was rejected, or its webhook dead-lettered',
      impact: 'it is not delivered until an operator resends it',
      of: criticalAlarms(make),
    });
    stackOutputs(this, {
      AlarmTopicArn: [
        topic.topicArn,
        'Alarms publish here: subscribe the operators on call, or deploy with -c alarmEmails=…',
      ],
    });
  }

  /**
   * `enforceSSL` adds a topic policy, which replaces SNS's default policy that lets the account publish. CDK's `SnsAction`
   * grants nothing, so this allows the stage's alarms and no others.
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
