import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { modelledActivity } from '../../../bench/warming/activity.ts';
import { seededRandom } from '../../../bench/warming/random.ts';
import { monthlyCost, monthlyCostWarmed, runningSeconds, TERMS } from '../../../bench/warming/warehouse-cost.ts';
import { seedsFrom, warehouseCost, weekOf } from '../../../bench/warming/week-figures.ts';

const terms = { ...TERMS, querySeconds: 2, suspendSeconds: 60 };

describe('a warehouse that suspends itself', () => {
  test('runs for a query and the time until it suspends', () => {
    expect(runningSeconds([], terms)).toBe(0);
    expect(runningSeconds([100], terms)).toBe(62);
    expect(runningSeconds([100, 1000], terms)).toBe(124);
  });

  test('runs through where queries follow within that time', () => {
    expect(runningSeconds([0, 50, 111], terms)).toBe(111 + 62);
  });

  test('is billed for a minute after each start', () => {
    expect(runningSeconds([0, 100], { querySeconds: 2, suspendSeconds: 5 })).toBe(120);
  });

  test('costs at most a month of running', () => {
    const month = 730 * TERMS.creditPrice;
    expect(monthlyCost(84 * 3600, terms)).toBe(month / 2);
    expect(monthlyCostWarmed(168 * 3600, terms)).toBe(month);
  });
});

describe('docs/costs.md', () => {
  const text = readFileSync(new URL('../../../docs/costs.md', import.meta.url), 'utf8');
  const documented = [...text.matchAll(/^\| ([\d.]+) a second \|.*\| ([\d,]+) \| ([\d,]+) \|$/gm)].map(
    ([, rate, before, after]) => [rate, before, after].map((cell) => Number(cell?.replaceAll(',', ''))),
  );
  const activity = modelledActivity(0.2, seededRandom(1));

  test('has the warehouse’s cost at several rates', () => {
    expect(documented.map(([rate]) => rate)).toEqual([0.001, 0.01, 0.1, 0.5, 2]);
  });

  // A week with more takes seconds to simulate.
  test.each(documented.slice(0, -2))('at %f a second before and after', (rate, before, after) => {
    const cost = warehouseCost(weekOf(activity, rate as number, seedsFrom(1, 1)[0] as number));
    expect([Math.round(cost.before), Math.round(cost.after)]).toEqual([before, after]);
  });
});
