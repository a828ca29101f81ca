import { METRIC_DEFINITIONS, type MetricDefinition } from '../../lambdas/shared/metric-definitions.ts';
import { flatten, resourcesOf, type Template } from './synthesized-stack.ts';

/** A metric as an alarm, a panel or a reader names it. References are written as `flatten` writes them. */
export interface NamedMetric {
  readonly namespace: string;
  readonly name: string;
  readonly dimensions: Readonly<Record<string, string>>;
  /** `Sum`, `p95`. */
  readonly statistic: string;
  /** Seconds. */
  readonly period: number;
}

const COUNT = ['Sum'];
/** CloudWatch has a level several times a minute, so that a sum is meaningless. */
const LEVEL = ['Average', 'Maximum', 'Minimum'];
const TIME = ['Average', 'Maximum', 'Minimum', 'p50', 'p90', 'p95', 'p99'];

/** Statistics that are meaningful for a metric of ours, by its unit. */
const OUR_STATISTICS: Readonly<Record<MetricDefinition['unit'], readonly string[]>> = {
  Count: COUNT,
  Number: LEVEL,
  Milliseconds: TIME,
  Seconds: TIME,
  Days: LEVEL,
};

/** A dimension whose value is an attribute of a resource of the stack. */
interface OfResource {
  readonly key: string;
  readonly type: string;
  readonly attribute: string;
}
const QUEUE: OfResource = { key: 'QueueName', type: 'AWS::SQS::Queue', attribute: '.QueueName' };
const FUNCTION: OfResource = { key: 'FunctionName', type: 'AWS::Lambda::Function', attribute: '' };
const WORKFLOW: OfResource = { key: 'StateMachineArn', type: 'AWS::StepFunctions::StateMachine', attribute: '' };
const GATEWAY: OfResource = { key: 'NatGatewayId', type: 'AWS::EC2::NatGateway', attribute: '.NatGatewayId' };

/** What the stack reads of AWS's metrics. Sources: the developer guides, "CloudWatch metrics for …". */
const AWS: Readonly<
  Record<string, readonly [OfResource | Readonly<Record<string, readonly string[]>>, readonly string[]]>
> = {
  'AWS/SQS ApproximateAgeOfOldestMessage': [QUEUE, LEVEL],
  'AWS/SQS ApproximateNumberOfMessagesNotVisible': [QUEUE, LEVEL],
  'AWS/SQS ApproximateNumberOfMessagesVisible': [QUEUE, LEVEL],
  'AWS/Lambda Duration': [FUNCTION, TIME],
  'AWS/Lambda Errors': [FUNCTION, COUNT],
  'AWS/Lambda Throttles': [FUNCTION, COUNT],
  'AWS/States ExecutionsAborted': [WORKFLOW, COUNT],
  'AWS/States ExecutionsFailed': [WORKFLOW, COUNT],
  'AWS/States ExecutionsStarted': [WORKFLOW, COUNT],
  'AWS/States ExecutionsSucceeded': [WORKFLOW, COUNT],
  'AWS/States ExecutionsTimedOut': [WORKFLOW, COUNT],
  // Of the account.
  'AWS/States OpenExecutionCount': [{}, LEVEL],
  'AWS/States ThrottledEvents': [{ APIName: ['StartExecution'] }, COUNT],
  'AWS/NATGateway ErrorPortAllocation': [GATEWAY, COUNT],
};

/** Every metric of a template's alarms and panels, by where it is read. */
export function namedMetrics(template: Template): [where: string, metric: NamedMetric][] {
  const alarms = resourcesOf(template, 'AWS::CloudWatch::Alarm').flatMap(([id, { Properties }]) =>
    metricsOfAlarm(Properties).map((metric) => [id, metric] as [string, NamedMetric]),
  );
  const panels = resourcesOf(template, 'AWS::CloudWatch::Dashboard').flatMap(([, { Properties }]) => {
    const { widgets } = JSON.parse(flatten(Properties.DashboardBody)) as { widgets: readonly Widget[] };
    return widgets.flatMap(({ properties: { title = '', metrics = [], period = 300 } }) =>
      metrics.flatMap((row) => metricsOfRow(row, period).map((metric) => [title, metric] as [string, NamedMetric])),
    );
  });
  return [...alarms, ...panels];
}

/**
 * What is wrong with a metric: it is not published, or its statistic is meaningless.
 *
 * @param namespace of the stage's own metrics
 */
export function faultOf(metric: NamedMetric, namespace: string, template: Template): string | undefined {
  const { name, statistic, period, dimensions } = metric;
  // AWS and EMF publish once a minute.
  if (!(period >= 60 && period % 60 === 0)) return `a period of ${period} s`;
  const ours = metric.namespace === namespace ? METRIC_DEFINITIONS.find((each) => each.name === name) : undefined;
  const [published, statistics] =
    ours === undefined
      ? (AWS[`${metric.namespace} ${name}`] ?? [])
      : [{ service: ours.services, ...ours.dimensions }, OUR_STATISTICS[ours.unit]];
  if (published === undefined || statistics === undefined) return `${metric.namespace} has no such metric`;
  if (!hasDimensions(dimensions, published, template)) return `it has no dimensions ${JSON.stringify(dimensions)}`;
  return statistics.includes(statistic) ? undefined : `its ${statistic} is meaningless`;
}

/** @param published each value, a list of values, or any text: what operators choose */
function hasDimensions(dimensions: NamedMetric['dimensions'], published: object, template: Template): boolean {
  const allowed =
    'attribute' in published ? valuesOf(published as OfResource, template) : (published as Record<string, unknown>);
  if (Object.keys(allowed).sort().join() !== Object.keys(dimensions).sort().join()) return false;
  return Object.entries(allowed).every(
    ([key, values]) => !Array.isArray(values) || values.includes(String(dimensions[key])),
  );
}

function valuesOf({ key, type, attribute }: OfResource, template: Template): Record<string, string[]> {
  const names = resourcesOf(template, type).map(([id]) => flatten({ Ref: id }).replace('>', `${attribute}>`));
  return { [key]: names };
}

interface CfnMetric {
  readonly Namespace: string;
  readonly MetricName: string;
  readonly Dimensions?: readonly { readonly Name: string; readonly Value: unknown }[];
}
interface AlarmProperties extends Partial<CfnMetric> {
  readonly Statistic?: string;
  readonly ExtendedStatistic?: string;
  readonly Period?: number;
  readonly Metrics?: readonly {
    readonly MetricStat?: { readonly Metric: CfnMetric; readonly Stat: string; readonly Period: number };
  }[];
}

function metricsOfAlarm({ Metrics = [], ...alarm }: AlarmProperties): NamedMetric[] {
  const statistic = alarm.Statistic ?? alarm.ExtendedStatistic ?? '';
  const single = alarm.MetricName === undefined ? [] : [named(alarm as CfnMetric, statistic, Number(alarm.Period))];
  return [
    ...single,
    ...Metrics.flatMap(({ MetricStat }) =>
      MetricStat === undefined ? [] : [named(MetricStat.Metric, MetricStat.Stat, MetricStat.Period)],
    ),
  ];
}

function named({ Namespace, MetricName, Dimensions = [] }: CfnMetric, statistic: string, period: number): NamedMetric {
  const dimensions = Object.fromEntries(Dimensions.map(({ Name, Value }) => [Name, flatten(Value)]));
  return { namespace: Namespace, name: MetricName, dimensions, statistic, period };
}

interface RowOptions {
  readonly expression?: string;
  readonly stat?: string;
  readonly period?: number;
}
type Row = readonly (string | RowOptions)[];
interface Widget {
  readonly properties: { readonly title?: string; readonly metrics?: readonly Row[]; readonly period?: number };
}

/** A row is a namespace, a name, dimensions' names and values in turn, and options; or an expression alone. */
function metricsOfRow(row: Row, period: number): NamedMetric[] {
  const options = row.find((part) => typeof part !== 'string') ?? {};
  const [namespace, name = '', ...pairs] = row.filter((part) => typeof part === 'string');
  if (namespace === undefined) return searched(options.expression);
  const dimensions = Object.fromEntries(pairs.flatMap((key, at) => (at % 2 === 0 ? [[key, pairs[at + 1] ?? '']] : [])));
  return [{ namespace, name, dimensions, statistic: options.stat ?? 'Average', period: options.period ?? period }];
}

/** What an expression searches for: `SEARCH('{namespace,dimension,…} MetricName="…"', 'Sum', 300)`. */
function searched(expression = ''): NamedMetric[] {
  const searches = [...expression.matchAll(/SEARCH\('\{([^}]+)\} MetricName="([^"]+)"', '(\w+)', (\d+)\)/g)];
  return searches.map(([, schema = '', name = '', statistic = '', period]) => {
    const [namespace = '', ...keys] = schema.split(',');
    const [service = ''] = METRIC_DEFINITIONS.find((each) => each.name === name)?.services ?? [];
    const dimensions = Object.fromEntries(keys.map((key) => [key, key === 'service' ? service : '*']));
    return { namespace, name, dimensions, statistic, period: Number(period) };
  });
}
