import { Duration } from 'aws-cdk-lib';
import { type Alarm, Stats } from 'aws-cdk-lib/aws-cloudwatch';
import { Construct } from 'constructs';
import { METRICS } from '../lambdas/shared/metric-definitions.ts';
import { AlarmMaker } from './alarm-maker.ts';
import type { EventQueues } from './event-queues.ts';
import { DELIVERED, FEWEST } from './stage-metrics.ts';
import type { Stage } from './stage-schema.ts';

/** In percent of all attempts. A success rate under 80% is critical (requirement W6). */
const MAX_FAILED_ATTEMPTS_PERCENT = 20;

/** In percent of delivered webhooks (requirement T9). */
const MAX_FALLBACKS_PERCENT = 20;

/** In seconds. EnrichBatch handles an event within seconds; an older one waits for a function that fails or is throttled. */
const MAX_EVENT_AGE_SECONDS = 300;

/**
 * In seconds. A rate limit delays a message by up to 900 s (`deliver-messages.ts`), and a function takes it within a minute
 * more; an older one waits for a function that is throttled. The metric excludes messages that were received three times (SQS
 * Developer Guide, "Available CloudWatch metrics"), so a message that crashes its function does not fire the alarm.
 */
const MAX_DELIVERY_AGE_SECONDS = 960;

/**
 * Alarms on harm to deliveries that fire within the bake time of a configuration's version. AppConfig rolls a version back for
 * INSUFFICIENT_DATA too, so missing data is not breaching.
 *
 * They depend on metrics and queues only. An alarm on a function would be a circular dependency, which CloudFormation refuses:
 * the function's variables name the AppConfig environment, and the environment names the alarm.
 */
export class HarmAlarms extends Construct {
  /** Partners reject webhooks or cannot be reached: a wrong endpoint, or a payload that they do not accept. */
  readonly failedAttempts: Alarm;
  /** The warehouse fails, and webhooks were sent without learning time after all enrichment attempts. */
  readonly fallbacks: Alarm;
  readonly eventAge: Alarm;
  /** Too slow for the flag's bake time of 10 minutes; for the integrations, which bake for 20. */
  readonly deliveryAge: Alarm;

  constructor(
    scope: Construct,
    id: string,
    { stage, queues }: { readonly stage: Stage; readonly queues: EventQueues },
  ) {
    super(scope, id);
    const make = new AlarmMaker(this, stage.name);
    this.failedAttempts = make.alarm('failed-attempts', {
      when: `Over ${MAX_FAILED_ATTEMPTS_PERCENT}% of at least ${FEWEST} attempts failed within five minutes`,
      impact: 'partners receive webhooks late, or not at all if a delivery exhausts its attempts',
      metric: make.metrics.failedAttempts(),
      threshold: MAX_FAILED_ATTEMPTS_PERCENT,
    });
    this.fallbacks = make.alarm('fallbacks', {
      when: `Over ${MAX_FALLBACKS_PERCENT}% of webhooks were sent without learning time, since Snowflake failed`,
      impact: 'partners receive completions without learning time; it is not sent later',
      metric: make.metrics.share([METRICS.enrichmentFallback], DELIVERED),
      threshold: MAX_FALLBACKS_PERCENT,
    });
    const everyMinute = { period: Duration.minutes(1), statistic: Stats.MAXIMUM };
    this.eventAge = make.alarm('event-age', {
      when: `The oldest event has waited for ${MAX_EVENT_AGE_SECONDS} s or more`,
      impact: 'all webhooks are late; events are lost after four days',
      metric: queues.events.queue.metricApproximateAgeOfOldestMessage(everyMinute),
      threshold: MAX_EVENT_AGE_SECONDS,
    });
    this.deliveryAge = make.alarm('delivery-age', {
      when: `The oldest delivery has waited for ${MAX_DELIVERY_AGE_SECONDS} s or more`,
      impact: 'webhooks of some or all partners are late; deliveries are lost from the queue after four days',
      metric: queues.deliveries.queue.metricApproximateAgeOfOldestMessage(everyMinute),
      threshold: MAX_DELIVERY_AGE_SECONDS,
    });
  }
}
