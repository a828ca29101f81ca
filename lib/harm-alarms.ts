import { Duration } from 'aws-cdk-lib';
import {
  Alarm,
  ComparisonOperator,
  type IMetric,
  MathExpression,
  Metric,
  Stats,
  TreatMissingData,
} from 'aws-cdk-lib/aws-cloudwatch';
import { Construct } from 'constructs';
import { METRICS, type MetricName, metricsNamespace } from '../lambdas/contract/metrics.ts';
import type { EventQueues } from './event-queues.ts';
import type { Stage } from './stage-schema.ts';

/** In percent of all tries. Document 003 calls a success rate under 80% critical. */
const MAX_FAILED_TRIES_PERCENT = 20;

/** In percent of what is delivered. Document 001, section 7.1: over 20% without learning time. */
const MAX_FALLBACKS_PERCENT = 20;

/** Fewer in five minutes say nothing about a share. */
const FEWEST = 10;

/** An event is through EnrichBatch within seconds; so old, it waits for a function that fails or is throttled. Seconds. */
const MAX_EVENT_AGE_SECONDS = 300;

/**
 * A rate limit delays a message by up to 900 s (`hand-on.ts`), and a minute more finds it a function; so old, it waits for
 * one that is throttled. Seconds. SQS leaves out what was received three times (SQS Developer Guide, "Available CloudWatch
 * metrics"), so a message that kills its function every 180 s never grows so old.
 */
const MAX_DELIVERY_AGE_SECONDS = 960;

/** As `delivery-services.ts` is deployed: DeliverBatch and DeliverTask. */
const DELIVERY = 'delivery';

/**
 * Alarms that mean harm to deliveries, quick enough to go off while a new version of a configuration bakes. AppConfig takes
 * a version back for INSUFFICIENT_DATA too, so a quiet night must be in order: missing data is not breaching.
 *
 * Made of the names of metrics and queues alone: an alarm on a function, which itself names the environment that watches
 * the alarm, would be a circle that CloudFormation refuses.
 */
export class HarmAlarms extends Construct {
  /** Partners refuse, or cannot be reached: a wrong endpoint, or a body that they do not take. */
  readonly failedTries: Alarm;
  /** The warehouse does not answer, and webhooks went out without learning time after all tries. */
  readonly fallbacks: Alarm;
  readonly eventAge: Alarm;
  /** Too slow for the ten minutes that a version of the flag bakes: for the integrations, which bake for twenty. */
  readonly deliveryAge: Alarm;
  private readonly stageName: string;

  constructor(
    scope: Construct,
    id: string,
    { stage, queues }: { readonly stage: Stage; readonly queues: EventQueues },
  ) {
    super(scope, id);
    this.stageName = stage.name;
    const count = (name: MetricName) => countOf(name, stage.name);
    const delivered = {
      enriched: count(METRICS.deliveredWithLearningTime),
      plain: count(METRICS.deliveredWithoutLearningTime),
    };
    const failed = { retried: count(METRICS.deliveryRetry), dead: count(METRICS.deliveryDead) };
    this.failedTries = this.alarm('failed-tries', {
      description: `Over ${MAX_FAILED_TRIES_PERCENT}% of tries failed in five minutes, of ${FEWEST} at least`,
      metric: share('retried + dead', 'enriched + plain + retried + dead', { ...delivered, ...failed }),
      threshold: MAX_FAILED_TRIES_PERCENT,
    });
    this.fallbacks = this.alarm('fallbacks', {
      description: `Over ${MAX_FALLBACKS_PERCENT}% of webhooks went out without learning time, since Snowflake did not answer`,
      metric: share('fallbacks', 'enriched + plain', { ...delivered, fallbacks: count(METRICS.enrichmentFallback) }),
      threshold: MAX_FALLBACKS_PERCENT,
    });
    const everyMinute = { period: Duration.minutes(1), statistic: Stats.MAXIMUM };
    this.eventAge = this.alarm('event-age', {
      description: `The oldest event has waited for ${MAX_EVENT_AGE_SECONDS} s and more`,
      metric: queues.events.queue.metricApproximateAgeOfOldestMessage(everyMinute),
      threshold: MAX_EVENT_AGE_SECONDS,
    });
    this.deliveryAge = this.alarm('delivery-age', {
      description: `The oldest delivery has waited for ${MAX_DELIVERY_AGE_SECONDS} s and more`,
      metric: queues.deliveries.queue.metricApproximateAgeOfOldestMessage(everyMinute),
      threshold: MAX_DELIVERY_AGE_SECONDS,
    });
  }

  private alarm(
    name: string,
    { description, ...props }: { readonly description: string; readonly metric: IMetric; readonly threshold: number },
  ): Alarm {
    return new Alarm(this, name, {
      ...props,
      alarmName: `learning-time-webhooks-${this.stageName}-${name}`,
      alarmDescription: description,
      comparisonOperator: ComparisonOperator.GREATER_THAN_THRESHOLD,
      evaluationPeriods: 1,
      treatMissingData: TreatMissingData.NOT_BREACHING,
    });
  }
}

function countOf(name: MetricName, stageName: string): Metric {
  return new Metric({
    namespace: metricsNamespace(stageName),
    metricName: name,
    dimensionsMap: { service: DELIVERY },
    statistic: Stats.SUM,
  });
}

/** A share in percent over five minutes; 0 where there are too few to tell. A count that nobody made is 0. */
function share(part: string, whole: string, counts: Readonly<Record<string, Metric>>): MathExpression {
  const filled = (sum: string) =>
    sum
      .split(' + ')
      .map((id) => `FILL(${id}, 0)`)
      .join(' + ');
  return new MathExpression({
    expression: `IF(${filled(whole)} >= ${FEWEST}, 100 * (${filled(part)}) / (${filled(whole)}), 0)`,
    usingMetrics: { ...counts },
    period: Duration.minutes(5),
  });
}
