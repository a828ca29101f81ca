import { describe, expect, test } from '@jest/globals';
import { latenciesOf } from '../../bench/fairness/measure.ts';

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
