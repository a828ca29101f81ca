import * as z from 'zod';
import { AwsError } from '../control-plane/aws-error.ts';
import type { TargetHandler } from '../control-plane/rest.ts';
import type { DescribedAlarm } from './alarms.ts';
import { idOf, type LocalMetrics, metricStatSchema, type Span, statistic } from './metrics.ts';

/** The prefix of `X-Amz-Target` in requests of CloudWatch's SDK. */
export const CLOUDWATCH_TARGET = 'GraniteServiceVersion20100801';

/** Maximum number of queries in one call (GetMetricData). */
const MAX_QUERIES = 500;

const querySchema = z.object({
  Id: z.string().regex(/^[a-z][a-zA-Z0-9_]*$/),
  MetricStat: metricStatSchema,
});
type Query = z.infer<typeof querySchema>;

const alarmsRequestSchema = z.object({ AlarmNamePrefix: z.string().default('') });

/** Times are epoch seconds in the JSON protocol. */
const requestSchema = z.object({
  MetricDataQueries: z.array(querySchema).max(MAX_QUERIES),
  StartTime: z.number(),
  EndTime: z.number(),
});

/**
 * CloudWatch's `GetMetricData` for `@aws-sdk/client-cloudwatch`: for each metric a value for each period with data, newest
 * first. Periods begin at the start time.
 *
 * Also `DescribeAlarms`, in one page.
 *
 * @param sample called before each response, so that a queue has a length right after the platform's start
 * @param alarms evaluated on each request
 */
export function cloudWatchApi(
  metrics: LocalMetrics,
  sample: () => void,
  alarms: () => readonly DescribedAlarm[] = () => [],
): TargetHandler {
  return async (operation, body) => {
    if (operation === 'DescribeAlarms') {
      sample();
      return describeAlarms(alarms(), alarmsRequestSchema.parse(body).AlarmNamePrefix);
    }
    if (operation !== 'GetMetricData') throw new AwsError('InvalidAction', 400, `no ${operation} here`);
    const { data, error } = requestSchema.safeParse(body);
    if (data === undefined) throw new AwsError('ValidationError', 400, z.prettifyError(error));
    if (data.StartTime >= data.EndTime) {
      throw new AwsError('ValidationError', 400, 'The parameter StartTime must be less than the parameter EndTime.');
    }
    sample();
    const span = { fromMs: Math.floor(data.StartTime / 60) * 60_000, untilMs: data.EndTime * 1000 };
    return { MetricDataResults: data.MetricDataQueries.map((query) => resultOf(query, metrics, span)), Messages: [] };
  };
}

function describeAlarms(alarms: readonly DescribedAlarm[], prefix: string): object {
  const listed = (isComposite: boolean) =>
    alarms
      .filter((alarm) => alarm.isComposite === isComposite && alarm.name.startsWith(prefix))
      .map(({ name, arn, description, state, sinceMs, values, threshold }) => ({
        AlarmName: name,
        AlarmArn: arn,
        AlarmDescription: description,
        StateValue: state,
        ...(sinceMs !== undefined && { StateTransitionedTimestamp: sinceMs / 1000 }),
        ...(!isComposite && {
          Threshold: threshold,
          StateReasonData: JSON.stringify({ version: '1.0', recentDatapoints: values, threshold }),
        }),
      }));
  return { MetricAlarms: listed(false), CompositeAlarms: listed(true) };
}

function resultOf({ Id, MetricStat }: Query, metrics: LocalMetrics, { fromMs, untilMs }: Span): object {
  const { Metric, Period, Stat } = MetricStat;
  const periods = Map.groupBy(metrics.between(idOf(Metric), fromMs, untilMs), ({ at }) =>
    Math.floor((at - fromMs) / (Period * 1000)),
  );
  const newestFirst = [...periods].sort(([one], [other]) => other - one);
  return {
    Id,
    Label: Metric.MetricName,
    Timestamps: newestFirst.map(([number]) => fromMs / 1000 + number * Period),
    Values: newestFirst.map(([, values]) => statistic(Stat, values)),
    StatusCode: 'Complete',
  };
}
