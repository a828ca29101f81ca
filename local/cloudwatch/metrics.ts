import * as z from 'zod';
import type { InvocationResult } from '../lambda/function-process.ts';

/** What one series of values is called: CloudWatch tells metrics apart by all three. */
export interface MetricId {
  readonly namespace: string;
  readonly name: string;
  readonly dimensions: Readonly<Record<string, string>>;
}

/** A metric with its statistic, as `GetMetricData` and alarms name it. */
export const metricStatSchema = z.object({
  Metric: z.object({
    Namespace: z.string(),
    MetricName: z.string(),
    Dimensions: z.array(z.object({ Name: z.string(), Value: z.string() })).default([]),
  }),
  /** In seconds; periods below a minute are not used here. */
  Period: z.int().multipleOf(60).positive(),
  Stat: z.string().regex(/^(Sum|Maximum|p\d{1,2})$/),
});
export type MetricStat = z.infer<typeof metricStatSchema>;

/** From `fromMs` until before `untilMs`, in epoch milliseconds. */
export interface Span {
  readonly fromMs: number;
  readonly untilMs: number;
}

/** Values kept of each metric at least, the oldest are dropped: a platform may run for days. */
const KEPT_VALUES = 100_000;
/** The number of values dropped at once, since each drop moves all values that are kept. */
const DROPPED_VALUES = 10_000;

const EXECUTION_METRICS: Readonly<Record<string, string>> = {
  RUNNING: 'ExecutionsStarted',
  SUCCEEDED: 'ExecutionsSucceeded',
  FAILED: 'ExecutionsFailed',
  TIMED_OUT: 'ExecutionsTimedOut',
  ABORTED: 'ExecutionsAborted',
};

export interface PublishedValue {
  /** Epoch milliseconds. */
  readonly at: number;
  readonly value: number;
}

/** CloudWatch's embedded metric format, as far as functions here write it. */
const emfSchema = z.looseObject({
  _aws: z.object({
    Timestamp: z.number(),
    CloudWatchMetrics: z.array(
      z.object({
        Namespace: z.string(),
        Dimensions: z.array(z.array(z.string())),
        Metrics: z.array(z.object({ Name: z.string() })),
      }),
    ),
  }),
});
const valuesSchema = z.union([z.number().transform((value) => [value]), z.array(z.number())]);

/** Every value that functions and queues of this machine published. */
export class LocalMetrics {
  readonly #values = new Map<string, PublishedValue[]>();

  record(id: MetricId, at: number, values: readonly number[]): void {
    const key = keyOf(id);
    const kept = this.#values.get(key) ?? [];
    kept.push(...values.map((value) => ({ at, value })));
    if (kept.length >= KEPT_VALUES + DROPPED_VALUES) kept.splice(0, kept.length - KEPT_VALUES);
    this.#values.set(key, kept);
  }

  /** Takes what a line of a function's output publishes; most lines are no metrics. */
  recordLine(text: string): void {
    if (!text.includes('"CloudWatchMetrics"')) return;
    const { success, data } = emfSchema.safeParse(parsed(text));
    if (!success) return;
    for (const { Namespace, Dimensions, Metrics } of data._aws.CloudWatchMetrics) {
      for (const names of Dimensions) {
        const dimensions = Object.fromEntries(names.map((name) => [name, String(data[name])]));
        for (const { Name } of Metrics) {
          const values = valuesSchema.safeParse(data[Name]).data ?? [];
          this.record({ namespace: Namespace, name: Name, dimensions }, data._aws.Timestamp, values);
        }
      }
    }
  }

  /** What Lambda publishes of an invocation, of what is asked for here. */
  recordInvocation(FunctionName: string, status: InvocationResult['status']): void {
    const names = { succeeded: undefined, failed: 'Errors', throttled: 'Throttles', refused: undefined } as const;
    const name = names[status];
    if (name === undefined) return;
    this.record({ namespace: 'AWS/Lambda', name, dimensions: { FunctionName } }, Date.now(), [1]);
  }

  /** What Step Functions publishes as an execution starts or ends. */
  recordExecution(StateMachineArn: string, status: string): void {
    const name = EXECUTION_METRICS[status];
    if (name === undefined) return;
    this.record({ namespace: 'AWS/States', name, dimensions: { StateMachineArn } }, Date.now(), [1]);
  }

  /** Those from `fromMs` until before `untilMs`, in epoch milliseconds. */
  between(id: MetricId, fromMs: number, untilMs: number): readonly PublishedValue[] {
    return (this.#values.get(keyOf(id)) ?? []).filter(({ at }) => at >= fromMs && at < untilMs);
  }
}

/** Of all that was published in the span, whatever its period says; undefined where nothing was. */
export function statisticOf(
  { Metric, Stat }: MetricStat,
  metrics: LocalMetrics,
  { fromMs, untilMs }: Span,
): number | undefined {
  const published = metrics.between(idOf(Metric), fromMs, untilMs);
  return published.length === 0 ? undefined : statistic(Stat, published);
}

export function idOf({ Namespace, MetricName, Dimensions }: MetricStat['Metric']): MetricId {
  const dimensions = Object.fromEntries(Dimensions.map(({ Name, Value }) => [Name, Value]));
  return { namespace: Namespace, name: MetricName, dimensions };
}

/** @param published one at least */
export function statistic(stat: string, published: readonly PublishedValue[]): number {
  const values = published.map(({ value }) => value);
  if (stat === 'Sum') return values.reduce((sum, value) => sum + value, 0);
  const sorted = values.toSorted((one, other) => one - other);
  const share = stat === 'Maximum' ? 1 : Number(stat.slice(1)) / 100;
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? 0;
}

function keyOf({ namespace, name, dimensions }: MetricId): string {
  return JSON.stringify([namespace, name, Object.entries(dimensions).sort()]);
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
