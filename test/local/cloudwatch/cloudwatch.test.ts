import { CloudWatchClient, GetMetricDataCommand, type MetricDataQuery } from '@aws-sdk/client-cloudwatch';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { CLOUDWATCH_TARGET, cloudWatchApi } from '../../../local/cloudwatch/cloudwatch.ts';
import { LocalMetrics } from '../../../local/cloudwatch/metrics.ts';
import { type ControlPlane, startControlPlane } from '../../../local/control-plane/server.ts';
import { clientOptions } from '../../support/client-options.ts';

const START = Date.parse('2026-01-15T12:00:00Z');
const MINUTE_MS = 60_000;

let plane: ControlPlane;
let client: CloudWatchClient;
let metrics: LocalMetrics;

beforeEach(async () => {
  metrics = new LocalMetrics();
  plane = await startControlPlane();
  const sample = async () => metrics.record(queue, START + MINUTE_MS, [7]);
  plane.registerTarget(CLOUDWATCH_TARGET, cloudWatchApi(metrics, sample));
  client = new CloudWatchClient(clientOptions(plane.endpoint));
});

afterEach(async () => {
  client.destroy();
  await plane.close();
});

const queue = { namespace: 'AWS/SQS', name: 'Visible', dimensions: { QueueName: 'q' } };

/** As Powertools writes it. */
function line(atMs: number, values: Readonly<Record<string, number | readonly number[]>>): string {
  const Metrics = Object.keys(values).map((Name) => ({ Name, Unit: 'Count' }));
  const CloudWatchMetrics = [{ Namespace: 'webhooks', Dimensions: [['service']], Metrics }];
  return JSON.stringify({ _aws: { Timestamp: atMs, CloudWatchMetrics }, service: 'delivery', ...values });
}

function query(Stat: string, Period: number, MetricName = 'm', dimensions = { service: 'delivery' }): MetricDataQuery {
  const Dimensions = Object.entries(dimensions).map(([Name, Value]) => ({ Name, Value }));
  return { Id: 'q1', MetricStat: { Metric: { Namespace: 'webhooks', MetricName, Dimensions }, Period, Stat } };
}

async function ask(query: MetricDataQuery, minutes = 10) {
  const times = { StartTime: new Date(START), EndTime: new Date(START + minutes * MINUTE_MS) };
  const { MetricDataResults } = await client.send(new GetMetricDataCommand({ MetricDataQueries: [query], ...times }));
  return MetricDataResults?.[0];
}

describe('what functions published', () => {
  test('is summed for each period, the newest first', async () => {
    for (const minute of [0, 4, 5, 9]) metrics.recordLine(line(START + minute * MINUTE_MS, { m: minute + 1 }));
    expect(await ask(query('Sum', 300))).toMatchObject({
      Id: 'q1',
      Timestamps: [new Date(START + 5 * MINUTE_MS), new Date(START)],
      Values: [16, 6],
      StatusCode: 'Complete',
    });
  });

  test('has every value of an array for its percentile and its maximum', async () => {
    metrics.recordLine(line(START, { m: Array.from({ length: 100 }, (_, index) => 100 - index) }));
    expect((await ask(query('p95', 600)))?.Values).toEqual([95]);
    expect((await ask(query('Maximum', 600)))?.Values).toEqual([100]);
  });

  test('begins with the start time and ends before the end time', async () => {
    for (const atMs of [START - 1, START, START + 10 * MINUTE_MS]) metrics.recordLine(line(atMs, { m: 1 }));
    expect((await ask(query('Sum', 600)))?.Values).toEqual([1]);
  });

  test('is identified by name and dimensions', async () => {
    metrics.recordLine(line(START, { m: 1 }));
    expect((await ask(query('Sum', 600, 'other')))?.Values).toEqual([]);
    expect((await ask(query('Sum', 600, 'm', { service: 'enrichment' })))?.Values).toEqual([]);
  });

  test('is nothing where a line is no metric', async () => {
    for (const text of ['', '{"a":1}', '"CloudWatchMetrics"', '{"_aws":{"CloudWatchMetrics":[]}}']) {
      expect(() => metrics.recordLine(text)).not.toThrow();
    }
    expect((await ask(query('Sum', 600)))?.Values).toEqual([]);
  });
});

test('queues are looked at before each answer', async () => {
  const Metric = { Namespace: 'AWS/SQS', MetricName: 'Visible', Dimensions: [{ Name: 'QueueName', Value: 'q' }] };
  const asked = { Id: 'q1', MetricStat: { Metric, Period: 60, Stat: 'Maximum' } };
  expect((await ask(asked))?.Values).toEqual([7]);
});

describe('invalid and unsupported requests are rejected', () => {
  test.each([
    ['a span that does not begin before it ends', query('Sum', 60), 0],
    ['a statistic of another kind', query('Median', 60), 10],
    ['a period below a minute', query('Sum', 10), 10],
    ['an id that begins with a capital', { ...query('Sum', 60), Id: 'Q' }, 10],
    ['a formula', { Id: 'q', Expression: 'SUM(METRICS())' }, 10],
  ])('%s', async (_, asked, minutes) => {
    // The SDK's name for the service's ValidationError.
    await expect(ask(asked, minutes)).rejects.toMatchObject({ name: 'ValidationException' });
  });
});
