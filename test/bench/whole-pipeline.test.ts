import { expect, test } from '@jest/globals';
import { latenciesOf } from '../../bench/whole-pipeline.ts';

test('latencies are from published to received, and Infinity if a webhook never arrived', () => {
  const published = [
    { webhookId: 'wh_1', atMs: 1_000 },
    { webhookId: 'wh_2', atMs: 1_500 },
    { webhookId: 'wh_3', atMs: 1_500 },
  ];
  const arrived = new Map([
    ['wh_2', 1_510],
    ['wh_1', 1_020],
  ]);
  expect(latenciesOf(published, arrived)).toEqual([20, 10, Number.POSITIVE_INFINITY]);
});
