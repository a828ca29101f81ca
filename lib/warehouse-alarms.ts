import { Duration } from 'aws-cdk-lib';
import { type Alarm, Stats, TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch';
import { FEATURE_FAULTS, FEATURE_NAME, METRICS } from '../lambdas/shared/metric-definitions.ts';
import { OLD_CREDENTIAL_DAYS } from '../lambdas/warehouse/snowflake-secret-schema.ts';
import type { AlarmMaker } from './alarm-maker.ts';
import { sumOf } from './stage-metrics.ts';

const QUARTER = Duration.minutes(15);

/**
 * Of the warehouse, what stands before it, and what is asked of it. Thresholds of document 001, section 7.1.
 *
 * @returns those that somebody is woken up for
 */
export function warehouseAlarms(make: AlarmMaker): Alarm[] {
  const { metrics } = make;
  const failing = make.alarm('warehouse-failing', {
    when: 'Over 5% of queries failed in a quarter of an hour, of 10 at least',
    impact: 'their events wait in the workflow for up to an hour, then go out without learning time',
    metric: metrics.share([METRICS.queryFailure], [METRICS.querySuccess, METRICS.queryFailure], { period: QUARTER }),
    threshold: 5,
  });
  const slow = make.alarm('warehouse-slow', {
    when: 'One in twenty queries took over 5 s, for a quarter of an hour',
    impact: 'completions are late; over 10 s they wait in the workflow',
    metric: metrics.percentile(METRICS.queryDuration, 'p95'),
    threshold: 5000,
    periods: 3,
  });
  make.notice('cache-misses', {
    when: 'Under 80% of learners were in the cache, for three hours, of 100 at least in each',
    impact: 'more queries, so a larger Snowflake bill; webhooks are not late by it',
    metric: metrics.share([METRICS.cacheMiss], [METRICS.cacheHit, METRICS.cacheMiss], {
      period: Duration.hours(1),
      fewest: 100,
    }),
    threshold: 20,
    periods: 3,
  });
  make.notice('enrichment-slow', {
    when: 'One in twenty tries to enrich in the workflow took over 10 s, for a quarter of an hour',
    impact: 'events that wait for Snowflake are served more slowly than they come',
    metric: metrics.percentile(METRICS.taskDuration, 'p95'),
    threshold: 10,
    periods: 3,
  });
  make.notice('credential-age', {
    when: `The Snowflake credential is over ${OLD_CREDENTIAL_DAYS} days old, or its age is not known for a day`,
    impact: 'none yet: document 001 has it rotated every 90 days',
    metric: metrics.percentile(METRICS.credentialAge, Stats.MAXIMUM, Duration.days(1)),
    threshold: OLD_CREDENTIAL_DAYS,
    missing: TreatMissingData.BREACHING,
  });
  const faults = FEATURE_FAULTS.map((error) =>
    metrics.sum(METRICS.featureError, QUARTER, { feature: FEATURE_NAME, error }),
  );
  make.notice('flag-unreadable', {
    when: 'The feature’s flag could not be read or understood, in a quarter of an hour',
    impact: 'functions go on with the version they have; new ones send without learning time',
    metric: sumOf(faults, QUARTER),
  });
  return [failing, slow];
}
