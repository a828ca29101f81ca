import { CloudWatchClient } from '@aws-sdk/client-cloudwatch';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { createMetricReader } from '../../lambdas/shared/cloudwatch.ts';
import type { MetricQuery } from '../../lambdas/shared/metric-reader.ts';
import { CLOUDWATCH_TARGET, cloudWatchApi } from '../../local/cloudwatch/cloudwatch.ts';
import { LocalMetrics } from '../../local/cloudwatch/metrics.ts';
import type { TargetHandler } from '../../local/control-plane/rest.ts';
import { type ControlPlane, startControlPlane } from '../../local/control-plane/server.ts';
import { clientOptions } from '../support/client-options.ts';
import { fakeLog, NOW, serviceError } from '../support/factories.ts';

const MINUTE_MS = 60_000;
const SPAN = { fromMs: NOW - 60 * MINUTE_MS, untilMs: NOW };
const ID = { namespace: 'stage', name: 'webhook.delivery.success', dimensions: { service: 'delivery' } };

let plane: ControlPlane;
let client: CloudWatchClient;
let metrics: LocalMetrics;
let handler: TargetHandler;
let calls: { readonly MetricDataQueries: readonly object[] }[];

beforeEach(async () => {
  metrics = new LocalMetrics();
  calls = [];
  plane = await startControlPlane();
  handler = cloudWatchApi(metrics, async () => {});
  plane.registerTarget(CLOUDWATCH_TARGET, (operation, body) => {
    calls.push(body as (typeof calls)[number]);
    return handler(operation, body);
  });
  client = new CloudWatchClient(clientOptions(plane.endpoint));
});

afterEach(async () => {
  client.destroy();
  await plane.close();
});

/** Responds with one page after the other, for the first query. */
function respondWithPages(...pages: readonly object[]): void {
  let position = 0;
  handler = async () => {
    const page = pages[position] ?? {};
    position += 1;
    const next = position < pages.length ? { NextToken: `page-${position}` } : {};
    return { MetricDataResults: [{ Id: 'q0', Timestamps: [], Values: [], StatusCode: 'Complete', ...page }], ...next };
  };
}

function query(overrides: Partial<MetricQuery> = {}): MetricQuery {
  return { key: 'attempts', ...ID, statistic: 'Sum', periodSeconds: 300, take: 'sum', ...overrides };
}

function reader(readTimeoutMs?: number) {
  const log = fakeLog();
  const options = { client, log, ...(readTimeoutMs !== undefined && { readTimeoutMs }) };
  return { log, read: async (...queries: MetricQuery[]) => createMetricReader(options).read(queries, SPAN) };
}

const at = (minutesAgo: number) => NOW - minutesAgo * MINUTE_MS;
const seconds = (minutesAgo: number) => at(minutesAgo) / 1000;

describe('one value of a metric', () => {
  beforeEach(() => {
    for (const [minutesAgo, value] of [
      [61, 1000],
      [59, 7],
      [30, 1],
      [2, 3],
    ] as const) {
      metrics.record(ID, at(minutesAgo), [value]);
    }
  });

  test.each<[Partial<MetricQuery>, number]>([
    [{}, 11],
    [{ statistic: 'Maximum', take: 'largest' }, 7],
    [{ statistic: 'Maximum', take: 'latest' }, 3],
    [{ statistic: 'p95', periodSeconds: 3600, take: 'largest' }, 7],
  ])('%j of the span is %d', async (overrides, value) => {
    expect(await reader().read(query(overrides))).toEqual(new Map([['attempts', value]]));
  });

  test('without data is a sum of 0, and no other value', async () => {
    const unpublished = { dimensions: { service: 'unpublished' } };
    const read = await reader().read(
      query({ ...unpublished, key: 'a' }),
      query({ ...unpublished, key: 'b', statistic: 'Maximum', take: 'latest' }),
      query({ ...unpublished, key: 'c', statistic: 'p95', take: 'largest' }),
    );
    expect(read).toEqual(new Map([['a', 0]]));
  });

  test('of many metrics is read 500 at a time', async () => {
    const queries = Array.from({ length: 1001 }, (_, index) => query({ key: `attempts-${index}` }));
    const read = await reader(15_000).read(...queries);
    expect(read.size).toBe(1001);
    expect(calls.map(({ MetricDataQueries }) => MetricDataQueries.length).toSorted()).toEqual([1, 500, 500]);
  });
});

describe('pages', () => {
  test('are read to the end', async () => {
    respondWithPages(
      { StatusCode: 'PartialData', Timestamps: [seconds(1)], Values: [2] },
      { Timestamps: [seconds(9)], Values: [3] },
    );
    expect(await reader().read(query())).toEqual(new Map([['attempts', 5]]));
    expect(calls).toHaveLength(2);
  });

  test.each(['InternalError', 'Forbidden'])('of which one is %s have no value', async (StatusCode) => {
    respondWithPages({ Timestamps: [seconds(1)], Values: [2] }, { StatusCode });
    expect(await reader().read(query())).toEqual(new Map());
  });

  test('without the query have no value for it', async () => {
    respondWithPages({ Id: 'q7', Values: [1], Timestamps: [seconds(1)] });
    expect(await reader().read(query())).toEqual(new Map());
  });
});

describe('an error of CloudWatch', () => {
  test('gives no value, and is logged without its message', async () => {
    handler = async () => {
      throw serviceError('InternalServiceFault', 'of account 111122223333');
    };
    const { read, log } = reader();
    expect(await read(query())).toEqual(new Map());
    expect(log.messages()).toEqual(['metrics.unavailable']);
    expect(log.text()).not.toContain('111122223333');
  });

  test('in one call does not affect the others', async () => {
    handler = async (operation, body) => {
      if (calls.length === 1) throw serviceError('ThrottlingException');
      return cloudWatchApi(metrics, async () => {})(operation, body);
    };
    const queries = Array.from({ length: 501 }, (_, index) => query({ key: `attempts-${index}` }));
    expect([1, 500]).toContain((await reader().read(...queries)).size);
  });
});
