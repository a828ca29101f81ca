import { beforeEach, describe, expect, test } from '@jest/globals';
import { runProgram } from '../../../commands/main.ts';
import { COUNTS, DURATIONS, readMeasures } from '../../../commands/rollout/read-measures.ts';
import { metricsNamespace } from '../../../lambdas/shared/metric-definitions.ts';
import { CLOUDWATCH_TARGET, cloudWatchApi } from '../../../local/cloudwatch/cloudwatch.ts';
import { LocalMetrics } from '../../../local/cloudwatch/metrics.ts';
import { eachTest } from '../../support/each-test.ts';
import { NOW } from '../../support/factories.ts';
import { startOperatorWorld } from '../operator-world.ts';

const HOUR_MS = 3600_000;
const OUTPUTS = { EventsQueueUrl: 'http://sqs/0/events', DeliveriesQueueUrl: 'http://sqs/0/deliveries' };

const world = eachTest(() => startOperatorWorld({ outputs: OUTPUTS }));
let metrics: LocalMetrics;
let cloudWatch: ReturnType<typeof cloudWatchApi>;

beforeEach(() => {
  metrics = new LocalMetrics();
  cloudWatch = cloudWatchApi(metrics, async () => {});
  world.plane.registerTarget(CLOUDWATCH_TARGET, (...asked) => cloudWatch(...asked));
});

/** What functions publish, and how long queues are. */
function publish(atMs: number, values: Partial<Record<keyof typeof COUNTS | keyof typeof DURATIONS, number[]>>): void {
  for (const [id, [service, name]] of Object.entries({ ...COUNTS, ...DURATIONS })) {
    const published = values[id as keyof typeof values] ?? [];
    metrics.record({ namespace: metricsNamespace('local'), name, dimensions: { service } }, atMs, published);
  }
}

function lengthen(queue: string, atMs: number, messages: number): void {
  const id = { namespace: 'AWS/SQS', name: 'ApproximateNumberOfMessagesVisible', dimensions: { QueueName: queue } };
  metrics.record(id, atMs, [messages]);
}

const GOOD = {
  deliveredWith: [900],
  deliveredWithout: [100],
  cacheHits: [900],
  cacheMisses: [100],
  querySuccesses: [100],
  latencyP95Ms: Array.from({ length: 100 }, (_, index) => index * 40),
  queryP95Ms: [300],
};

describe('rollout check', () => {
  test('says yes to all, in a table', async () => {
    publish(NOW, GOOD);
    expect(await runProgram(['rollout', 'check', 'pilot', '--hours', '1'], world.context)).toBe(0);
    expect(world.printed()).toBe(`\
phase pilot (one enterprise), stage local, from 2026-01-15T11:05:00Z to 2026-01-15T12:05:00Z
met  what                              is       should be          of    document
yes  webhooks delivered                100%     at least 100%      1000  001, phase 1
yes  cache hits                        90%      more than 80%      1000  001, phase 1
yes  webhook latency, p95              3760 ms  less than 5000 ms  1000  001, phase 1
yes  Snowflake queries that succeeded  100%     more than 99%      100   000, canary metrics
yes  webhooks sent as fallback         0%       less than 1%       1000  000, canary metrics
for a person to answer, whatever the exit status says:
  Does the pilot’s partner confirm that the learning times are right? (001, phase 1)
pilot: all that metrics can tell is as it should be`);
  });

  test('ends with 1 for one no, or too little data, and never rounds a share up', async () => {
    expect(await runProgram(['rollout', 'check', 'full'], world.context)).toBe(1);
    expect(world.printed()).toMatch(/^full: not yet \(9 × not enough data\)$/m);
    publish(NOW, { ...GOOD, deliveredWith: [99_900], dead: [1] });
    expect(await runProgram(['rollout', 'check', 'pilot'], world.context)).toBe(1);
    expect(world.printed()).toMatch(/^no +webhooks delivered +99\.99% +at least 100%/m);
    expect(world.printed()).toMatch(/^pilot: not yet \(1 × no\)$/m);
  });

  test('looks at both queues, and at the span of equal length before it', async () => {
    publish(NOW - HOUR_MS, { ...GOOD, retried: [10] });
    publish(NOW, { ...GOOD, retried: [20] });
    lengthen('events', NOW, 3);
    lengthen('deliveries', NOW, 100);
    expect(await runProgram(['rollout', 'check', 'limited', '--hours', '1'], world.context)).toBe(1);
    expect(world.printed()).toMatch(/^no +delivery attempts that failed +1\.96% +at most 0\.99%, as before/m);
    expect(world.printed()).toMatch(/^no +longest queue +100 +less than 100/m);
  });

  test('prints one JSON document', async () => {
    publish(NOW, GOOD);
    await runProgram(['rollout', 'check', 'pilot', '--json'], world.context);
    const { criteria, ...rest } = JSON.parse(world.printed());
    expect(rest).toEqual({
      phase: 'pilot',
      stage: 'local',
      since: '2026-01-14T12:05:00Z',
      until: '2026-01-15T12:05:00Z',
      is_met: true,
      questions: [{ asks: expect.stringContaining('confirm'), source: '001, phase 1' }],
    });
    expect(criteria[1]).toEqual({
      criterion: 'cache hits',
      verdict: 'yes',
      value: 90,
      unit: '%',
      bound: 'more than',
      target: 80,
      samples: 1000,
      least_samples: 20,
      source: '001, phase 1',
    });
  });

  test('asks for no recent hits where WarmCache is off', async () => {
    const off = await startOperatorWorld({ outputs: { ...OUTPUTS, WarmCacheEnabled: 'false' } });
    try {
      off.plane.registerTarget(CLOUDWATCH_TARGET, (...asked) => cloudWatch(...asked));
      publish(NOW, GOOD);
      expect(await runProgram(['rollout', 'check', 'pilot'], off.context)).toBe(0);
      expect(off.printed()).not.toContain('last hour');
    } finally {
      await off.close();
    }
  });

  describe('where WarmCache is on', () => {
    const warm = eachTest(() => startOperatorWorld({ outputs: { ...OUTPUTS, WarmCacheEnabled: 'true' } }));
    beforeEach(() => warm.plane.registerTarget(CLOUDWATCH_TARGET, (...asked) => cloudWatch(...asked)));

    test('asks for 80% of hits in the last hour, whatever the day had', async () => {
      publish(NOW - 2 * HOUR_MS, { ...GOOD, cacheHits: [8000], cacheMisses: [0] });
      publish(NOW, { cacheHits: [79], cacheMisses: [21] });
      expect(await runProgram(['rollout', 'check', 'pilot'], warm.context)).toBe(1);
      expect(warm.printed()).toMatch(/^yes +cache hits +99\.74%/m);
      expect(warm.printed()).toMatch(/^no +cache hits, last hour +79% +at least 80% +100 +WarmCache$/m);
      expect(warm.printed()).toMatch(/^cache hits, last hour: WarmCache is late .* windowSeconds: 1 }/m);
    });

    test('says nothing to do where the hit rate is high enough', async () => {
      publish(NOW, GOOD);
      expect(await runProgram(['rollout', 'check', 'pilot'], warm.context)).toBe(0);
      expect(warm.printed()).toMatch(/^yes +cache hits, last hour +90% /m);
      expect(warm.printed()).not.toContain('windowSeconds');
    });

    test('has the remedy in the JSON document of a no only', async () => {
      publish(NOW, { ...GOOD, cacheHits: [799], cacheMisses: [201] });
      await runProgram(['rollout', 'check', 'pilot', '--json'], warm.context);
      const remedies = JSON.parse(warm.printed()).criteria.map(({ remedy }: { remedy?: string }) => remedy);
      expect(remedies).toEqual([...Array(5).fill(undefined), expect.stringContaining('batchSize: 100')]);
    });
  });

  test('a metric that CloudWatch withholds is no zero', async () => {
    const result = (Id: string) => ({ Id, Label: Id, StatusCode: 'InternalError', Timestamps: [], Values: [] });
    cloudWatch = async () => ({ MetricDataResults: [result('dead')] });
    const failure = 'CloudWatch does not return dead (InternalError): try again';
    await expect(runProgram(['rollout', 'check', 'pilot'], world.context)).rejects.toMatchObject({ message: failure });
  });

  test('takes every page of the result', async () => {
    const dead = { Id: 'dead', Label: 'dead', StatusCode: 'PartialData', Timestamps: [NOW / 1000], Values: [2] };
    cloudWatch = async (_, { NextToken }) => ({
      MetricDataResults: [dead],
      ...(NextToken === undefined && { NextToken: 'more' }),
    });
    const stage = await world.context.openStage('local');
    expect(await readMeasures(stage, [], { fromMs: 0, untilMs: HOUR_MS })).toMatchObject({ dead: 4 });
  });
});
