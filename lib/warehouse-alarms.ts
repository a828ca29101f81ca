import { Duration } from 'aws-cdk-lib';
import { type Alarm, Stats, TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch';
import { FEATURE_FAULTS, FEATURE_NAME, METRICS } from '../lambdas/shared/metric-definitions.ts';
import { OLD_CREDENTIAL_DAYS } from '../lambdas/warehouse/snowflake-secret-schema.ts';
import type { AlarmMaker } from './alarm-maker.ts';
import type { PipelineFunction } from './pipeline-function.ts';
import { sumOf } from './stage-metrics.ts';

const QUARTER = Duration.minutes(15);
const HOUR = Duration.hours(1);

/**
 * Alarms on the warehouse, its cache, its credential and the flag. Thresholds of requirement T9.
 *
 * @returns those that belong to a page
 */
export function warehouseAlarms(make: AlarmMaker, warmCache: PipelineFunction): Alarm[] {
  const { metrics } = make;
  const failing = make.alarm('warehouse-failing', {
    when: 'Over 5% of at least 10 queries failed within 15 minutes',
    impact: 'their events wait in the workflow for up to an hour, then are sent without learning time',
    metric: metrics.share([METRICS.queryFailure], [METRICS.querySuccess, METRICS.queryFailure], { period: QUARTER }),
    threshold: 5,
  });
  const slow = make.alarm('warehouse-slow', {
    when: '5% of queries took over 5 s, for 15 minutes',
    impact: 'completions are late; if queries take over 10 s, they wait in the workflow',
    metric: metrics.percentile(METRICS.queryDuration, 'p95'),
    threshold: 5000,
    periods: 3,
  });
  make.notice('cache-misses', {
    when: 'Under 80% of at least 100 learners an hour were in the cache, for three hours',
    impact: 'more queries, so a higher Snowflake bill; webhooks are not late',
    metric: metrics.share([METRICS.cacheMiss], [METRICS.cacheHit, METRICS.cacheMiss], {
      period: Duration.hours(1),
      fewest: 100,
    }),
    threshold: 20,
    periods: 3,
  });
  warmingAlarms(make, warmCache);
  make.notice('enrichment-slow', {
    when: '5% of enrichment attempts in the workflow took over 10 s, for 15 minutes',
    impact: 'events that wait for Snowflake are processed more slowly than they arrive',
    metric: metrics.percentile(METRICS.taskDuration, 'p95'),
    threshold: 10,
    periods: 3,
  });
  make.notice('credential-age', {
    when: `The Snowflake credential is over ${OLD_CREDENTIAL_DAYS} days old`,
    impact: 'none yet: it must be rotated every 90 days (requirement T12)',
    metric: metrics.percentile(METRICS.credentialAge, Stats.MAXIMUM, Duration.days(1)),
    threshold: OLD_CREDENTIAL_DAYS,
    // A stage whose secret has no value yet has published no age. An old credential stays in ALARM without one. If publishing
    // stops because runs fail, `undelivered-events` fires.
    missing: TreatMissingData.IGNORE,
  });
  const faults = FEATURE_FAULTS.map((error) =>
    metrics.sum(METRICS.featureError, QUARTER, { feature: FEATURE_NAME, error }),
  );
  make.notice('flag-unreadable', {
    when: 'The feature’s flag could not be read or parsed, within 15 minutes',
    impact: 'functions continue with the version they have; new environments send without learning time',
    metric: sumOf(faults, QUARTER),
  });
  return [failing, slow];
}

function warmingAlarms(make: AlarmMaker, { lambda }: PipelineFunction): void {
  const { metrics } = make;
  make.notice('warm-late', {
    when: 'For three hours the cache has not held the table’s last version, or WarmCache has failed',
    impact: 'completions have the learning time of the version before, or query Snowflake; webhooks are not lost',
    // 1 in each run of the hour; a run that Lambda ends publishes nothing.
    metric: sumOf(
      [metrics.percentile(METRICS.warmBehind, Stats.MINIMUM, HOUR), lambda.metricErrors({ period: HOUR })],
      HOUR,
    ),
    periods: 3,
  });
  make.notice('warm-incomplete', {
    when: 'Over two runs of WarmCache in an hour ended before the last row',
    impact: 'the cache keeps the entries of the version before; the next run continues',
    metric: metrics.sum(METRICS.warmIncomplete, HOUR),
    threshold: 2,
  });
  make.notice('warm-shrunk', {
    when: 'The learning-time table has lost over 20% of its rows',
    impact: 'the cache keeps the entries of the version before, until an operator accepts the smaller table',
    metric: metrics.sum(METRICS.warmShrunk, HOUR),
  });
  make.notice('warm-unreadable', {
    when: 'WarmCache skipped rows of the learning-time table that it could not read',
    impact: 'their learners are queried by each of their events, and may be sent without learning time',
    metric: metrics.sum(METRICS.warmUnreadable, HOUR),
  });
}
