import { describe, expect, test } from '@jest/globals';
import { type Arrival, type Mapping, poll } from '../../../bench/warming/pollers.ts';
import { seededRandom } from '../../../bench/warming/random.ts';
import { poisson } from '../../../bench/warming/week.ts';

const seconds = { hits: 0.05, query: 0.5 };
const WITH_WINDOW: Mapping = { batchSize: 100, windowSeconds: 1, pollers: 5, seconds };
const WITHOUT_WINDOW: Mapping = { ...WITH_WINDOW, batchSize: 10, windowSeconds: 0 };

const at = (atSeconds: number, isMiss = false): Arrival => ({ atSeconds, isMiss });
const firstPoller = () => 0;

function queriesAnHour(perSecond: number, missShare: number, mapping: Mapping): number {
  const random = seededRandom(1);
  const hours = Math.ceil(4 / perSecond);
  const arrivals = [...poisson(new Array(hours).fill(perSecond), random)].map((one) => at(one, random() < missShare));
  return poll(arrivals, mapping, random).queriesAt.length / hours;
}

describe('docs/scale.md has these queries an hour with a window of 1 s', () => {
  test.each([
    [1, 1, 2930],
    [10, 1, 9617],
    [100, 1, 11_709],
    [1, 0.2, 680],
    [10, 0.2, 5140],
  ])('%f a second, %f of them misses', (perSecond, missShare, documented) => {
    expect(queriesAnHour(perSecond, missShare, WITH_WINDOW) / documented).toBeCloseTo(1, 1);
  });
});

test('a poller gathers for the window, and all misses of a batch are one query', () => {
  const arrivals = [at(0, true), at(0.4), at(0.9, true), at(5)];
  expect(poll(arrivals, WITH_WINDOW, firstPoller)).toEqual({ invocations: 2, queriesAt: [1] });
});

test('a full batch does not wait for the window', () => {
  const arrivals = Array.from({ length: 100 }, (_, index) => at(index / 1000, true));
  expect(poll(arrivals, WITH_WINDOW, firstPoller)).toEqual({ invocations: 1, queriesAt: [0.099] });
});

test('without a window each message is a batch of its own while a poller is free', () => {
  const arrivals = [at(0), at(1, true), at(2)];
  expect(poll(arrivals, WITHOUT_WINDOW, firstPoller)).toEqual({ invocations: 3, queriesAt: [1] });
});

test('what waits for a busy poller is one batch, up to its size', () => {
  const one = { ...WITHOUT_WINDOW, pollers: 1 };
  const arrivals = [at(0, true), ...Array.from({ length: 12 }, () => at(0.1, true))];
  // The query of the first takes until 0.5 s, that of ten more until 1 s.
  expect(poll(arrivals, one, firstPoller)).toEqual({ invocations: 3, queriesAt: [0, 0.5, 1] });
});
