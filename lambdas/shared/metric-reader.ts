/** A query for one value of a metric. */
export interface MetricQuery {
  /** Key of the value in the result; unique among the queries. */
  readonly key: string;
  readonly namespace: string;
  readonly name: string;
  readonly dimensions: Readonly<Record<string, string>>;
  readonly statistic: 'Sum' | 'Maximum' | 'p95';
  /** Period of one point, in seconds: a multiple of 60. */
  readonly periodSeconds: number;
  /** How the points become one value. Without points `sum` is 0, and the others have no value. */
  readonly take: 'sum' | 'largest' | 'latest';
}

/** Epoch milliseconds; the end is exclusive. */
export interface MetricSpan {
  readonly fromMs: number;
  readonly untilMs: number;
}

export interface MetricReader {
  /**
   * Never throws: a query without a timely result has no value.
   *
   * @returns values by their queries' keys
   */
  read(queries: readonly MetricQuery[], span: MetricSpan): Promise<ReadonlyMap<string, number>>;
}
