import {
  type CloudWatchClient,
  type MetricDataQuery,
  type MetricDataResult,
  paginateGetMetricData,
} from '@aws-sdk/client-cloudwatch';
import { chunksOf } from './chunks.ts';
import { errorName } from './errors.ts';
import { IO_DEADLINES } from './io-deadlines.ts';
import type { Log } from './log.ts';
import type { MetricQuery, MetricReader } from './metric-reader.ts';

/** Queries per GetMetricData call. */
const MAX_QUERIES_PER_CALL = 500;

interface Point {
  /** Epoch milliseconds. */
  readonly at: number;
  readonly value: number;
}

export interface MetricReaderOptions {
  readonly client: CloudWatchClient;
  readonly log: Log;
  readonly readTimeoutMs?: number;
}

/** Reads metrics of any namespace, up to 500 per call, with the calls in parallel. */
export function createMetricReader({
  client,
  log,
  readTimeoutMs = IO_DEADLINES.metrics.readTimeoutMs,
}: MetricReaderOptions): MetricReader {
  return {
    async read(queries, span) {
      const abortSignal = AbortSignal.timeout(readTimeoutMs);
      const calls = chunksOf(queries, MAX_QUERIES_PER_CALL).map((some) => readSome(client, some, span, abortSignal));
      const settled = await Promise.allSettled(calls);
      const failure = settled.find((one) => one.status === 'rejected');
      if (failure !== undefined) {
        const error = abortSignal.aborted ? 'TimeoutError' : errorName(failure.reason);
        log.warn('metrics.unavailable', { error, calls: calls.length });
      }
      const values = settled.flatMap((one) => (one.status === 'fulfilled' ? one.value : []));
      return new Map(values);
    },
  };
}

/** @throws the client's errors */
async function readSome(
  client: CloudWatchClient,
  queries: readonly MetricQuery[],
  { fromMs, untilMs }: { readonly fromMs: number; readonly untilMs: number },
  abortSignal: AbortSignal,
): Promise<readonly (readonly [string, number])[]> {
  const points = new Map<string, Point[]>();
  const withheld = new Set<string>();
  const request = {
    MetricDataQueries: queries.map(queryOf),
    StartTime: new Date(fromMs),
    EndTime: new Date(untilMs),
  };
  for await (const page of paginateGetMetricData({ client }, request, { abortSignal })) {
    for (const result of page.MetricDataResults ?? []) {
      const id = result.Id ?? '';
      // After `PartialData` the next page has more points of the same query.
      if (result.StatusCode === 'InternalError' || result.StatusCode === 'Forbidden') withheld.add(id);
      points.set(id, [...(points.get(id) ?? []), ...pointsOf(result)]);
    }
  }
  return queries.flatMap((query, index) => {
    const id = idOf(index);
    const value = withheld.has(id) ? undefined : valueFrom(query, points.get(id));
    return value === undefined ? [] : [[query.key, value] as const];
  });
}

function queryOf({ namespace, name, dimensions, statistic, periodSeconds }: MetricQuery, index: number) {
  const Dimensions = Object.entries(dimensions).map(([Name, Value]) => ({ Name, Value }));
  const Metric = { Namespace: namespace, MetricName: name, Dimensions };
  return {
    Id: idOf(index),
    MetricStat: { Metric, Period: periodSeconds, Stat: statistic },
  } satisfies MetricDataQuery;
}

/** @param points undefined if CloudWatch returned no result for the query */
function valueFrom({ take }: MetricQuery, points: readonly Point[] | undefined): number | undefined {
  if (points === undefined) return undefined;
  const values = points.map(({ value }) => value);
  if (take === 'sum') return values.reduce((sum, value) => sum + value, 0);
  if (values.length === 0) return undefined;
  if (take === 'largest') return values.reduce((one, other) => Math.max(one, other));
  return points.reduce((one, other) => (other.at > one.at ? other : one)).value;
}

function pointsOf({ Timestamps = [], Values = [] }: MetricDataResult): Point[] {
  return Values.map((value, index) => ({ at: Timestamps[index]?.getTime() ?? 0, value }));
}

function idOf(index: number): string {
  return `q${index}`;
}
