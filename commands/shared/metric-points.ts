import {
  type CloudWatchClient,
  type MetricDataQuery,
  type MetricDataResult,
  paginateGetMetricData,
} from '@aws-sdk/client-cloudwatch';
import { chunksOf } from '../../lambdas/shared/chunks.ts';
import { CommandFailed } from './failures.ts';

/** Queries that one call takes (GetMetricData). */
const QUERIES_PER_CALL = 500;

/** In epoch milliseconds; the end is not included. */
export interface MeasuredSpan {
  readonly fromMs: number;
  readonly untilMs: number;
}

/** One value of a metric, of the period that begins then. */
export interface Point {
  /** Epoch milliseconds. */
  readonly at: number;
  readonly value: number;
}

/** The points of a query, by its id. */
export type Points = (id: string) => readonly Point[];

/**
 * Reads metrics from CloudWatch.
 *
 * @throws CommandFailed where CloudWatch withholds a metric; the client's errors
 */
export async function readPoints(
  client: CloudWatchClient,
  queries: readonly MetricDataQuery[],
  { fromMs, untilMs }: MeasuredSpan,
): Promise<Points> {
  const found = new Map<string, Point[]>(queries.map(({ Id = '' }) => [Id, []]));
  for (const MetricDataQueries of chunksOf(queries, QUERIES_PER_CALL)) {
    const request = {
      MetricDataQueries: [...MetricDataQueries],
      StartTime: new Date(fromMs),
      EndTime: new Date(untilMs),
    };
    for await (const { MetricDataResults = [] } of paginateGetMetricData({ client }, request)) {
      for (const result of MetricDataResults) found.get(result.Id ?? '')?.push(...pointsOf(result));
    }
  }
  return (id) => found.get(id) ?? [];
}

/** `PartialData` is what has come so far: the next page has more of it. */
function pointsOf({ Label, StatusCode, Timestamps = [], Values = [] }: MetricDataResult): Point[] {
  if (StatusCode === 'InternalError' || StatusCode === 'Forbidden') {
    throw new CommandFailed(`CloudWatch does not return ${Label} (${StatusCode}): try again`);
  }
  return Values.map((value, index) => ({ at: Timestamps[index]?.getTime() ?? 0, value }));
}

/** 0 where there are none. */
export function sum(points: readonly Point[]): number {
  return points.reduce((total, { value }) => total + value, 0);
}

/** Undefined where there are none. */
export function largest(points: readonly Point[]): number | undefined {
  return points.length === 0 ? undefined : Math.max(...points.map(({ value }) => value));
}

/** Undefined where there are none. */
export function latest(points: readonly Point[]): Point | undefined {
  return points.toSorted((one, other) => other.at - one.at)[0];
}
