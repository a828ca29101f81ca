import { describe, expect, test } from '@jest/globals';
import { ratiosOf } from '../../bench/delivery/measure.ts';

const performance = (deliveries: number, elapsedMs: number, cpuMs: number) => ({
  deliveries,
  elapsedMs,
  cpuMs,
  isGateLost: false,
});

describe('the ratios', () => {
  test('are ours to the bare loop’s: 1 is as good, and less is worse, for throughput and for CPU', () => {
    // A thousand a second at 200 µs, against 700 a second at 400 µs.
    const pair = { bare: performance(2000, 2000, 400), ours: performance(700, 1000, 280) };
    const { throughput, cpu } = ratiosOf([pair]);
    expect(throughput.median).toBeCloseTo(0.7);
    expect(cpu.median).toBeCloseTo(0.5);
  });

  test('are taken in each round by itself: what slows both down changes nothing', () => {
    const quiet = { bare: performance(1000, 1000, 100), ours: performance(800, 1000, 160) };
    const busy = { bare: performance(100, 1000, 20), ours: performance(80, 1000, 32) };
    const { throughput, cpu } = ratiosOf([quiet, busy]);
    expect([throughput.min, throughput.max]).toEqual([0.8, 0.8]);
    expect([cpu.min, cpu.max].map((ratio) => ratio.toFixed(3))).toEqual(['0.500', '0.500']);
  });
});
