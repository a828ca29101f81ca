import { METRIC_DEFINITIONS, type MetricDefinition } from '../../lambdas/shared/metric-definitions.ts';
import { resourcesOf, type Template } from './synthesized-stack.ts';
import { TemplateAccess } from './template-access.ts';

/** A metric as an alarm, a panel or a reader names it. */
export interface NamedMetric {
  readonly namespace: string;
  readonly name: string;
  readonly dimensions: Readonly<Record<string, string>>;
  /** `Sum`, `p95`; absent in a search, which names it in its expression. */
  readonly statistic?: string;
  /** Seconds. */
  readonly period?: number;
  readonly unit?: string;
}

interface AwsMetrics {
  /** Their dimensions, each with the type of the resource whose `Ref` or attribute the value must be. */
  readonly dimensions: Readonly<
    Record<string, { readonly type: string; readonly attribute: string } | readonly string[]>
  >;
  /** Statistics that are meaningful for each. */
  readonly statistics: Readonly<Record<string, readonly string[]>>;
}

const COUNT = ['Sum'];
/** What there is at a time: CloudWatch has it several times a minute, so that a sum means nothing. */
const LEVEL = ['Average', 'Maximum', 'Minimum'];
const TIME = ['Average', 'Maximum', 'Minimum', 'p50', 'p90', 'p95', 'p99'];

/** What AWS publishes of the resources of the stack. Sources: the developer guides, "CloudWatch metrics for …". */
const AWS: Readonly<Record<string, readonly AwsMetrics[]>> = {
  'AWS/SQS': [
    {
      dimensions: { QueueName: { type: 'AWS::SQS::Queue', attribute: 'QueueName' } },
      statistics: {
        ApproximateAgeOfOldestMessage: LEVEL,
        ApproximateNumberOfMessagesDelayed: LEVEL,
        ApproximateNumberOfMessagesNotVisible: LEVEL,
        ApproximateNumberOfMessagesVisible: LEVEL,
        NumberOfMessagesDeleted: COUNT,
        NumberOfMessagesReceived: COUNT,
        NumberOfMessagesSent: COUNT,
      },
    },
  ],
  'AWS/Lambda': [
    {
      dimensions: { FunctionName: { type: 'AWS::Lambda::Function', attribute: 'Ref' } },
      statistics: {
        AsyncEventsDropped: COUNT,
        ConcurrentExecutions: LEVEL,
        DestinationDeliveryFailures: COUNT,
        Duration: TIME,
        Errors: COUNT,
        Invocations: COUNT,
        Throttles: COUNT,
      },
    },
  ],
  'AWS/States': [
    {
      dimensions: { StateMachineArn: { type: 'AWS::StepFunctions::StateMachine', attribute: 'Ref' } },
      statistics: {
        ExecutionTime: TIME,
        ExecutionThrottled: COUNT,
        ExecutionsAborted: COUNT,
        ExecutionsFailed: COUNT,
        ExecutionsStarted: COUNT,
        ExecutionsSucceeded: COUNT,
        ExecutionsTimedOut: COUNT,
      },
    },
    // Of the account.
    { dimensions: {}, statistics: { OpenExecutionCount: LEVEL } },
    { dimensions: { APIName: ['StartExecution'] }, statistics: { ThrottledEvents: COUNT } },
  ],
  'AWS/NATGateway': [
    {
      dimensions: { NatGatewayId: { type: 'AWS::EC2::NatGateway', attribute: 'NatGatewayId' } },
      statistics: { ErrorPortAllocation: COUNT },
    },
  ],
};

/** Statistics that are meaningful for a metric of ours, by its unit. */
const OUR_STATISTICS: Readonly<Record<MetricDefinition['unit'], readonly string[]>> = {
  Count: COUNT,
  Number: LEVEL,
  Milliseconds: TIME,
  Seconds: TIME,
  Days: LEVEL,
};

/** Every metric that a template's alarms and panels name, with where. */
export function namedMetrics(template: Template): [where: string, metric: NamedMetric][] {
  const access = new TemplateAccess(template);
  const alarms = resourcesOf(template, 'AWS::CloudWatch::Alarm').flatMap(([id, { Properties }]) =>
    metricsOfAlarm(access.resolve(Properties) as AlarmProperties).map(
      (metric) => [id, metric] as [string, NamedMetric],
    ),
  );
  const panels = resourcesOf(template, 'AWS::CloudWatch::Dashboard').flatMap(([, { Properties }]) => {
    const { widgets } = JSON.parse(String(access.resolve(Properties.DashboardBody))) as { widgets: readonly Widget[] };
    return widgets.flatMap(({ properties: { title = '', metrics = [], period } }) =>
      metrics.flatMap((row) => metricsOfRow(row, period).map((metric) => [title, metric] as [string, NamedMetric])),
    );
  });
  return [...alarms, ...panels];
}

/**
 * What is wrong with a metric: it is not published, or its statistic is meaningless.
 *
 * @param namespace of the stage's own metrics
 * @returns undefined where nothing is
 */
export function faultOf(metric: NamedMetric, namespace: string, template: Template): string | undefined {
  const { statistic, period, unit } = metric;
  if (unit !== undefined) return `it is read by its unit, ${unit}: another one hides it`;
  // CloudWatch API Reference, PutMetricAlarm: 10, 20, 30 or a multiple of 60 s. What AWS and EMF publish has a minute.
  if (period !== undefined && (period < 60 || period % 60 !== 0)) return `a period of ${period} s`;
  if (metric.namespace === namespace) return faultOfOurs(metric);
  const published = AWS[metric.namespace];
  if (published === undefined) return `nothing is published in ${metric.namespace}`;
  const { statistics } = published.find(({ dimensions }) => hasDimensions(metric, dimensions, template)) ?? {};
  if (statistics === undefined) return `it has no dimensions ${JSON.stringify(metric.dimensions)}`;
  const sensible = statistics[metric.name];
  if (sensible === undefined) return `${metric.namespace} has no ${metric.name} with these dimensions`;
  return statistic === undefined || sensible.includes(statistic) ? undefined : `its ${statistic} is meaningless`;
}

function faultOfOurs({ name, dimensions, statistic }: NamedMetric): string | undefined {
  const definition = METRIC_DEFINITIONS.find((each) => each.name === name);
  if (definition === undefined) return 'no function publishes it';
  const allowed: Readonly<Record<string, readonly string[] | string>> = {
    service: definition.services,
    ...definition.dimensions,
  };
  const names = Object.keys(dimensions).sort().join();
  if (names !== Object.keys(allowed).sort().join()) return `it has other dimensions than ${names}`;
  for (const [key, value] of Object.entries(dimensions)) {
    const values = allowed[key] ?? [];
    // Any value, where that is no list: what operators choose.
    if (typeof values !== 'string' && !values.includes(value)) return `no function publishes ${key}=${value}`;
  }
  const isSensible = statistic === undefined || OUR_STATISTICS[definition.unit].includes(statistic);
  return isSensible ? undefined : `its ${statistic} is meaningless, since its unit is ${definition.unit}`;
}

function hasDimensions({ dimensions }: NamedMetric, expected: AwsMetrics['dimensions'], template: Template): boolean {
  const access = new TemplateAccess(template);
  const names = Object.keys(expected);
  if (names.toSorted().join() !== Object.keys(dimensions).sort().join()) return false;
  return names.every((name) => {
    const values = expected[name] ?? [];
    if (!('type' in values)) return values.includes(dimensions[name] ?? '');
    const { type, attribute } = values;
    const of = (id: string) => access.resolve(attribute === 'Ref' ? { Ref: id } : { 'Fn::GetAtt': [id, attribute] });
    return resourcesOf(template, type).some(([id]) => of(id) === dimensions[name]);
  });
}

interface CfnMetric {
  readonly Namespace: string;
  readonly MetricName: string;
  readonly Dimensions?: readonly { readonly Name: string; readonly Value: string }[];
}

interface AlarmProperties extends Partial<CfnMetric> {
  readonly Statistic?: string;
  readonly ExtendedStatistic?: string;
  readonly Period?: number;
  readonly Unit?: string;
  readonly Metrics?: readonly {
    readonly Expression?: string;
    readonly MetricStat?: {
      readonly Metric: CfnMetric;
      readonly Stat: string;
      readonly Period: number;
      readonly Unit?: string;
    };
  }[];
}

function metricsOfAlarm({ Metrics = [], ...alarm }: AlarmProperties): NamedMetric[] {
  const { Namespace, MetricName, Statistic, ExtendedStatistic } = alarm;
  const single =
    Namespace === undefined || MetricName === undefined
      ? []
      : [namedMetric({ ...alarm, Namespace, MetricName }, Statistic ?? ExtendedStatistic, alarm.Period, alarm.Unit)];
  return [
    ...single,
    ...Metrics.flatMap(({ Expression, MetricStat }) => [
      ...searched(Expression),
      ...(MetricStat === undefined
        ? []
        : [namedMetric(MetricStat.Metric, MetricStat.Stat, MetricStat.Period, MetricStat.Unit)]),
    ]),
  ];
}

function namedMetric(metric: CfnMetric, statistic?: string, period?: number, unit?: string): NamedMetric {
  const { Namespace, MetricName, Dimensions = [] } = metric;
  return {
    namespace: Namespace,
    name: MetricName,
    dimensions: Object.fromEntries(Dimensions.map(({ Name, Value }) => [Name, Value])),
    ...(statistic !== undefined && { statistic }),
    ...(period !== undefined && { period }),
    ...(unit !== undefined && { unit }),
  };
}

interface Widget {
  readonly properties: { readonly title?: string; readonly metrics?: readonly Row[]; readonly period?: number };
}
interface RowOptions {
  readonly expression?: string;
  readonly stat?: string;
  readonly period?: number;
}
type Row = readonly (string | RowOptions)[];

/** A row is a namespace, a name, dimensions' names and values in turn, and options; or an expression alone. */
function metricsOfRow(row: Row, period = 300): NamedMetric[] {
  const options = row.find((part) => typeof part !== 'string') ?? {};
  const words = row.filter((part) => typeof part === 'string');
  if (words.length === 0) return searched(options.expression);
  if (words.some((word) => /^\.+$/.test(word))) throw new Error('a row that repeats the one above is not read here');
  const [namespace = '', name = '', ...pairs] = words;
  const dimensions = Object.fromEntries(pairs.flatMap((key, at) => (at % 2 === 0 ? [[key, pairs[at + 1] ?? '']] : [])));
  const { stat: statistic = 'Average' } = options;
  return [{ namespace, name, dimensions, statistic, period: options.period ?? period }];
}

/** What an expression searches for: `SEARCH('{namespace,dimension,…} MetricName="…"', 'Sum', 300)`. */
function searched(expression = ''): NamedMetric[] {
  const searches = [...expression.matchAll(/SEARCH\('\{([^}]+)\} MetricName="([^"]+)"', '(\w+)', (\d+)\)/g)];
  if (searches.length !== expression.split('SEARCH(').length - 1) throw new Error(`${expression} is not read here`);
  return searches.map(([, schema = '', name = '', statistic = '', period]) => {
    const [namespace = '', ...keys] = schema.split(',');
    // It finds all values that there are.
    const definition = METRIC_DEFINITIONS.find((each) => each.name === name);
    const [service = ''] = definition?.services ?? [];
    const dimensions = Object.fromEntries(keys.map((key) => [key, key === 'service' ? service : '*']));
    return { namespace, name, dimensions, statistic, period: Number(period) };
  });
}
