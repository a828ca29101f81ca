import { describe, expect, test } from '@jest/globals';
import { formatFairness } from '../../bench/fairness/format.ts';
import { latenciesOf, measureFairness } from '../../bench/fairness/measure.ts';
import { LOCAL_ASSEMBLY } from '../../local/synthesize.ts';

describe('the latencies', () => {
  const published = [
    { integrationId: 'a', webhookId: 'wh_1', atMs: 1_000 },
    { integrationId: 'b1', webhookId: 'wh_2', atMs: 1_000 },
    { integrationId: 'a', webhookId: 'wh_3', atMs: 1_500 },
  ];

  test('are those of A alone, from published to received', () => {
    const arrived = new Map([
      ['wh_1', 1_020],
      ['wh_2', 9_000],
      ['wh_3', 1_510],
    ]);
    expect(latenciesOf(published, arrived)).toEqual({ count: 2, p50: 10, p99: 20, max: 20 });
  });

  test('one that never came is endless, not left out', () => {
    expect(latenciesOf(published, new Map([['wh_1', 1_020]]))).toMatchObject({ count: 2, p50: 20, max: Infinity });
  });
});

test('the synthesized pipeline is measured with B healthy, and as it hangs', async () => {
  const report = await measureFairness({ rounds: 1, seconds: 0.5, assemblyDirectory: LOCAL_ASSEMBLY });
  // Twenty a second, for half a second each.
  expect([report.healthy.count, report.transient.count, report.hanging.count]).toEqual([10, 10, 10]);
  expect(report.healthy.max).toBeLessThan(Infinity);
  expect(formatFairness(report)).toContain('B hangs');
}, 60_000);
