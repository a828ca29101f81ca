import { Duration } from 'aws-cdk-lib';
import { EventBus, Rule, RuleTargetInput } from 'aws-cdk-lib/aws-events';
import { SnsTopic } from 'aws-cdk-lib/aws-events-targets';
import { Topic } from 'aws-cdk-lib/aws-sns';
import type { Queue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { OPERATIONAL_EVENT_SOURCE, type OperationalEventType } from '../lambdas/events/operational-event.ts';
import { undeliveredQueue } from './invoked-by-rules.ts';
import { stackOutputs } from './outputs.ts';
import type { PipelineFunction } from './pipeline-function.ts';
import type { Stage } from './stage-schema.ts';

/** EventBridge retries for a day by default; the reconciler repeats nothing that the bus took. */
const LONGEST_EVENT_AGE = Duration.hours(6);

/** The events that contacts of an integration receive by mail. */
const MAILED = ['integration.parked', 'integration.resumed'] as const satisfies readonly OperationalEventType[];

/**
 * The stage's event bus for operational events, and the topic that mails some of them to the contacts of integrations
 * (docs/decisions/0027-operational-events.md).
 */
export class OperationalEvents extends Construct {
  /** Events that SNS did not accept. */
  readonly undelivered: Queue;
  private readonly bus: EventBus;

  constructor(scope: Construct, id: string, stage: Stage) {
    super(scope, id);
    this.bus = new EventBus(this, 'Bus', { eventBusName: `learning-time-webhooks-${stage.name}` });
    this.undelivered = undeliveredQueue(this, stage);
    // Not encrypted: the mails contain an integration's id and a fixed text, and EventBridge cannot use the AWS managed key for
    // SNS.
    const contacts = new Topic(this, 'Contacts', { enforceSSL: true });
    // CDK lets `events.amazonaws.com` publish, without a condition: EventBridge sends no condition keys to SNS, so a statement
    // with one would refuse every event (EventBridge User Guide, "Amazon SNS permissions").
    const target = new SnsTopic(contacts, {
      // The detail only: SNS filters by `integration_id` in the body, since EventBridge sets no message attributes.
      message: RuleTargetInput.fromEventPath('$.detail'),
      deadLetterQueue: this.undelivered,
      maxEventAge: LONGEST_EVENT_AGE,
    });
    new Rule(this, 'Mails', {
      eventBus: this.bus,
      description: 'Mails the contacts of an integration when it is parked and when it resumes',
      eventPattern: { source: [OPERATIONAL_EVENT_SOURCE], detailType: [...MAILED] },
      targets: [target],
    });
    stackOutputs(this, {
      EventBusName: [
        this.bus.eventBusName,
        'Operational events: create rules on this bus (docs/operational-events.md)',
      ],
      ContactTopicArn: [
        contacts.topicArn,
        'Mails to contacts of integrations: ./ltw integration validate subscribes them',
      ],
      OperationalEventsDeadLetterQueueUrl: [this.undelivered.queueUrl, 'Mails that SNS refused: should stay empty'],
    });
  }

  /**
   * Lets a function put events on the bus. Without a condition on their source: `events:source` has several values, which
   * policy engines compare differently, and the bus is ours alone.
   */
  grantPut(fn: PipelineFunction): void {
    fn.setVariable('EVENT_BUS_NAME', this.bus.eventBusName);
    fn.allow(['events:PutEvents'], [this.bus.eventBusArn]);
  }
}
