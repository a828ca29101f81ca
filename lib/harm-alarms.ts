import { Duration } from 'aws-cdk-lib';
import { type Alarm, Stats } from 'aws-cdk-lib/aws-cloudwatch';
import { Construct } from 'constructs';
import { METRICS } from '../lambdas/shared/metric-definitions.ts';
import { AlarmMaker } from './alarm-maker.ts';
import type { EventQueues } from './event-queues.ts';
import { DELIVERED, FEWEST } from './stage-metrics.ts';
import type { Stage } from './stage-schema.ts';

/** In percent of all tries. Document 003 calls a success rate under 80% critical. */
const MAX_FAILED_ATTEMPTS_PERCENT = 20;

/** In percent of what is delivered. Document 001, section 7.1: over 20% without learning time. */
const MAX_FALLBACKS_PERCENT = 20;

/** An event is through EnrichBatch within seconds; so old, it waits for a function that fails or is throttled. Seconds. */
const MAX_EVENT_AGE_SECONDS = 300;

/**
 * A rate limit delays a message by up to 900 s (`deliver-messages.ts`), and a minute more finds it a function; so old, it waits for
 * one that is throttled. Seconds. SQS leaves out what was received three times (SQS Developer Guide, "Available CloudWatch
 * metrics"), so a message that kills its function every four minutes never grows so old.
 */
const MAX_DELIVERY_AGE_SECONDS = 960;

/**
 * Alarms that mean harm to deliveries, quick enough to go off while a new version of a configuration bakes. AppConfig takes
 * a version back for INSUFFICIENT_DATA too, so a quiet night must be in order: missing data is not breaching.
 *
 * Made of the names of metrics and queues alone: an alarm on a function, which itself names the environment that watches
 * the alarm, would be a circle that CloudFormation refuses.
 */
export class HarmAlarms extends Construct {
  /** Partners refuse, or cannot be reached: a wrong endpoint, or a body that they do not take. */
  readonly failedAttempts: Alarm;
  /** The warehouse does not answer, and webhooks went out without learning time after all tries. */
  readonly fallbacks: Alarm;
  readonly eventAge: Alarm;
  /** Too slow for the ten minutes that a version of the flag bakes: for the integrations, which bake for twenty. */
  readonly deliveryAge: Alarm;

  constructor(
    scope: Construct,
    id: string,
    { stage, queues }: { readonly stage: Stage; readonly queues: EventQueues },
  ) {
    super(scope, id);
    const make = new AlarmMaker(this, stage.name);
    this.failedAttempts = make.alarm('failed-attempts', {
      when: `Over ${MAX_FAILED_ATTEMPTS_PERCENT}% of tries failed in five minutes, of ${FEWEST} at least`,
      impact: 'partners get their webhooks late, and none where a delivery runs out of tries',
      metric: make.metrics.failedAttempts(),
      threshold: MAX_FAILED_ATTEMPTS_PERCENT,
    });
    this.fallbacks = make.alarm('fallbacks', {
      when: `Over ${MAX_FALLBACKS_PERCENT}% of webhooks went out without learning time, since Snowflake did not answer`,
      impact: 'partners get completions without learning time; it is not sent later',
      metric: make.metrics.share([METRICS.enrichmentFallback], DELIVERED),
      threshold: MAX_FALLBACKS_PERCENT,
    });
    const everyMinute = { period: Duration.minutes(1), statistic: Stats.MAXIMUM };
    this.eventAge = make.alarm('event-age', {
      when: `The oldest event has waited for ${MAX_EVENT_AGE_SECONDS} s and more`,
      impact: 'all webhooks are late; events are lost after four days',
      metric: queues.events.queue.metricApproximateAgeOfOldestMessage(everyMinute),
      threshold: MAX_EVENT_AGE_SECONDS,
    });
    this.deliveryAge = make.alarm('delivery-age', {
      when: `The oldest delivery has waited for ${MAX_DELIVERY_AGE_SECONDS} s and more`,
      impact: 'webhooks of some or all partners are late; deliveries are lost from the queue after four days',
      metric: queues.deliveries.queue.metricApproximateAgeOfOldestMessage(everyMinute),
      threshold: MAX_DELIVERY_AGE_SECONDS,
    });
  }
}
