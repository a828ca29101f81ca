import { Duration } from 'aws-cdk-lib';
import { type Alarm, Stats } from 'aws-cdk-lib/aws-cloudwatch';
import { EXPIRY_WARNING_DAYS } from '../lambdas/partners/certificate-expiry.ts';
import { METRICS } from '../lambdas/shared/metric-definitions.ts';
import type { AlarmMaker } from './alarm-maker.ts';
import type { EventQueues } from './event-queues.ts';
import { FAILED, sumOf } from './stage-metrics.ts';

const NOT_SENT = 'these webhooks are not delivered until an operator resends them';
const DEAD_LETTER_IMPACTS = {
  events: NOT_SENT,
  deliveries: NOT_SENT,
  outcomes: 'the ledger does not know these outcomes, and the reconciler may send their webhooks again',
} as const;

const QUARTER = Duration.minutes(15);
const HOUR = Duration.hours(1);

/**
 * Number of minutes that `critical-dead` evaluates. A count reaches CloudWatch some minutes late, after the expression was
 * already evaluated to 0 for its minute, so an alarm on the latest minute alone would miss it.
 */
const SEEN_WITHIN_MINUTES = 5;

/**
 * Alarms on webhooks of critical kinds (`isCritical` in `lambdas/events/event-types`). Each one that is dead-lettered is worth
 * a page, whatever else is in ALARM.
 */
export function criticalAlarms(make: AlarmMaker): Alarm[] {
  const critical = make.alarm('critical-dead', {
    when: 'An event of a critical kind, such as a hot lead, was rejected, or its webhook dead-lettered',
    impact: 'it is not delivered until an operator resends it',
    metric: make.metrics.sum(METRICS.criticalDead, Duration.minutes(1)),
    periods: SEEN_WITHIN_MINUTES,
    datapoints: 1,
  });
  return [critical];
}

/**
 * Alarms on delivery attempts (requirement W6; its critical alarm is `failed-attempts`) and on dead-letter messages.
 *
 * @returns those that belong to a page
 */
export function deliveryAlarms(make: AlarmMaker, queues: EventQueues): Alarm[] {
  make.notice('failed-attempts-warning', {
    when: 'Over 10% of at least 10 attempts failed within 15 minutes',
    impact: 'some webhooks are late; each is attempted again',
    metric: make.metrics.failedAttempts({ period: QUARTER }),
    threshold: 10,
  });
  make.recovery('recovering', {
    when: 'Under 95% of at least 10 attempts succeeded within 15 minutes',
    impact: 'none by itself: its return to OK shows that deliveries have recovered',
    metric: make.metrics.failedAttempts({ period: QUARTER }),
    threshold: 5,
  });
  make.notice('errors-of-an-hour', {
    when: 'More than 10 attempts failed or were rate-limited by partners within an hour',
    impact: 'some webhooks are late; each is attempted again',
    metric: sumOf(
      // The only alarm that counts back-pressure: a partner that responds with 429 for hours should be noticed.
      [...FAILED, METRICS.deliveryThrottled].map((name) => make.metrics.sum(name, HOUR)),
      HOUR,
    ),
    threshold: 10,
  });
  make.notice('integration-parked', {
    when: 'An integration is parked: its endpoint responded 410, or its certificate is expired or incomplete',
    impact: 'its webhooks wait, and are dead-lettered after 72 hours',
    metric: make.metrics.sum(METRICS.integrationParked, HOUR),
    // Each hourly probe that fails counts again. Two periods, so that the alarm does not end between two probes.
    periods: 2,
    datapoints: 1,
  });
  make.notice('certificate-expiry', {
    when: `The client certificate of an integration expires within ${EXPIRY_WARNING_DAYS} days, or has expired`,
    impact: 'none before it expires; then its partner refuses all webhooks',
    metric: make.metrics.percentile(METRICS.certificateDaysLeft, Stats.MINIMUM, Duration.days(1)),
    threshold: EXPIRY_WARNING_DAYS,
    firesBelow: true,
  });
  return (['events', 'deliveries', 'outcomes'] as const).map((name) => {
    const queue = queues[name].deadLetters;
    make.notice(`dead-${name}`, {
      when: `There are dead-letter messages of ${name}`,
      impact: DEAD_LETTER_IMPACTS[name],
      metric: queue.metricApproximateNumberOfMessagesVisible({ statistic: Stats.MAXIMUM }),
    });
    return make.alarm(`dead-${name}-old`, {
      when: `A dead-letter message of ${name} is older than 7 days`,
      impact: 'SQS deletes it when it is 14 days old',
      metric: queue.metricApproximateAgeOfOldestMessage({ statistic: Stats.MAXIMUM }),
      threshold: Duration.days(7).toSeconds(),
    });
  });
}
