/** One value that is read of a metric. */
export interface MetricQuery {
  /** What its value is found by; each once. */
  readonly key: string;
  readonly namespace: string;
  readonly name: string;
  readonly dimensions: Readonly<Record<string, string>>;
  readonly statistic: 'Sum' | 'Maximum' | 'p95';
  /** Of one point, in seconds: a multiple of 60. */
  readonly periodSeconds: number;
  /** What is made of the points: `sum` is 0 where there are none, the others are not known then. */
  readonly take: 'sum' | 'largest' | 'latest';
}

/** In epoch milliseconds; the end is not included. */
export interface MetricSpan {
  readonly fromMs: number;
  readonly untilMs: number;
}

export interface MetricReader {
  /**
   * Never throws: a query without a result in time has no value.
   *
   * @returns values by their queries' keys
   */
  read(queries: readonly MetricQuery[], span: MetricSpan): Promise<ReadonlyMap<string, number>>;
}
