import * as z from 'zod';
import type { InvocationResult } from '../lambda/function-process.ts';

/** The identity of a metric in CloudWatch. */
export interface MetricId {
  readonly namespace: string;
  readonly name: string;
  readonly dimensions: Readonly<Record<string, string>>;
}

/** A metric with its statistic, in `GetMetricData` and alarms. */
export const metricStatSchema = z.object({
  Metric: z.object({
    Namespace: z.string(),
    MetricName: z.string(),
    Dimensions: z.array(z.object({ Name: z.string(), Value: z.string() })).default([]),
  }),
  /** In seconds, at least 60. */
  Period: z.int().multipleOf(60).positive(),
  Stat: z.string().regex(/^(Sum|Minimum|Maximum|p\d{1,2})$/),
});
export type MetricStat = z.infer<typeof metricStatSchema>;

/** From `fromMs` until before `untilMs`, in epoch milliseconds. */
export interface Span {
  readonly fromMs: number;
  readonly untilMs: number;
}

/** Minimum number of stored values per metric; older ones are dropped, since a platform may run for days. */
const STORED_VALUES = 100_000;
/** Number of values dropped at once, since each drop moves all stored values. */
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

/** The part of CloudWatch's embedded metric format that functions here write. */
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

/** All values that functions and queues published. */
export class LocalMetrics {
  readonly #values = new Map<string, PublishedValue[]>();

  record(id: MetricId, at: number, values: readonly number[]): void {
    const key = keyOf(id);
    const stored = this.#values.get(key) ?? [];
    stored.push(...values.map((value) => ({ at, value })));
    if (stored.length >= STORED_VALUES + DROPPED_VALUES) stored.splice(0, stored.length - STORED_VALUES);
    this.#values.set(key, stored);
  }

  /** Records the metrics in a line of a function's output, if there are any. */
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

  /** Records the supported metrics of a Lambda invocation. */
  recordInvocation(FunctionName: string, status: InvocationResult['status']): void {
    const names = { succeeded: undefined, failed: 'Errors', throttled: 'Throttles', refused: undefined } as const;
    const name = names[status];
    if (name === undefined) return;
    this.record({ namespace: 'AWS/Lambda', name, dimensions: { FunctionName } }, Date.now(), [1]);
  }

  /** Records the metrics of the start or end of an execution. */
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

/** The statistic over the span, ignoring the period; undefined without values. */
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

/** @param published at least one value */
export function statistic(stat: string, published: readonly PublishedValue[]): number {
  const values = published.map(({ value }) => value);
  if (stat === 'Sum') return values.reduce((sum, value) => sum + value, 0);
  const sorted = values.toSorted((one, other) => one - other);
  const share = { Minimum: 0, Maximum: 1 }[stat] ?? Number(stat.slice(1)) / 100;
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
