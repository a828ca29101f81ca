import { Duration } from 'aws-cdk-lib';
import { type Alarm, Stats } from 'aws-cdk-lib/aws-cloudwatch';
import { METRICS } from '../lambdas/shared/metric-definitions.ts';
import type { AlarmMaker } from './alarm-maker.ts';
import type { EventQueues } from './event-queues.ts';
import { FAILED, sumOf } from './stage-metrics.ts';

const NOT_SENT = 'these webhooks are not sent until somebody sends them anew';
const DEAD_LETTER_IMPACTS = {
  events: NOT_SENT,
  deliveries: NOT_SENT,
  outcomes: 'the ledger does not know these outcomes, and the reconciler may send their webhooks again',
} as const;

const QUARTER = Duration.minutes(15);
const HOUR = Duration.hours(1);

/**
 * How far back a webhook that was given up is looked for, in minutes. CloudWatch has a count up to some minutes after it was
 * made, when the expression's 0 already stands for its minute: an alarm on the latest minute alone would miss it.
 */
const SEEN_WITHIN_MINUTES = 5;

/**
 * Of webhooks that somebody waits for (`isCritical` in events/event-types): each that is given up is worth a page, whatever
 * else rings.
 */
export function criticalAlarms(make: AlarmMaker): Alarm[] {
  const critical = make.alarm('critical-dead', {
    when: 'An event of a critical kind, such as a hot lead, was rejected, or its webhook given up',
    impact: 'somebody waits for it in vain until it is sent anew',
    metric: make.metrics.sum(METRICS.criticalDead, Duration.minutes(1)),
    periods: SEEN_WITHIN_MINUTES,
    ofThem: 1,
  });
  return [critical];
}

/**
 * Of tries at partners, by the rules of document 003 (its critical one is `failed-attempts`), and of what was given up.
 *
 * @returns those that somebody is woken up for
 */
export function deliveryAlarms(make: AlarmMaker, queues: EventQueues): Alarm[] {
  make.notice('failed-attempts-warning', {
    when: 'Over 10% of tries failed in a quarter of an hour, of 10 at least',
    impact: 'some webhooks are late; each is tried again',
    metric: make.metrics.failedAttempts({ period: QUARTER }),
    threshold: 10,
  });
  make.recovery('recovering', {
    when: 'Under 95% of tries succeeded in a quarter of an hour, of 10 at least',
    impact: 'none by itself: when it ends, deliveries have recovered',
    metric: make.metrics.failedAttempts({ period: QUARTER }),
    threshold: 5,
  });
  make.notice('errors-of-an-hour', {
    when: 'More than 10 attempts failed, or were refused as too many, within an hour',
    impact: 'some webhooks are late; each is tried again',
    metric: sumOf(
      // The only alarm with back-pressure in it: a partner that refuses for hours should not go unnoticed.
      [...FAILED, METRICS.deliveryThrottled].map((name) => make.metrics.sum(name, HOUR)),
      HOUR,
    ),
    threshold: 10,
  });
  return (['events', 'deliveries', 'outcomes'] as const).map((name) => {
    const queue = queues[name].deadLetters;
    make.notice(`dead-${name}`, {
      when: `There are dead letters of ${name}`,
      impact: DEAD_LETTER_IMPACTS[name],
      metric: queue.metricApproximateNumberOfMessagesVisible({ statistic: Stats.MAXIMUM }),
    });
    return make.alarm(`dead-${name}-old`, {
      when: `A dead letter of ${name} is older than 7 days`,
      impact: 'it is lost when it is 14 days old',
      metric: queue.metricApproximateAgeOfOldestMessage({ statistic: Stats.MAXIMUM }),
      threshold: Duration.days(7).toSeconds(),
    });
  });
}
