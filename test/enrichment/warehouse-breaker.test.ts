import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { guardWarehouse } from '../../lambdas/enrichment/warehouse-breaker.ts';
import { WarehouseSkipped, WarehouseUnavailable } from '../../lambdas/shared/errors.ts';
import { fakeLog, NOW } from '../support/factories.ts';

const KEY = { userId: '1', courseId: 'course', enterpriseId: 'enterprise' };
const limits = { failuresToOpen: 2, openMs: 10_000, slowMs: 8_000 };

beforeEach(() => {
  jest.useFakeTimers({ now: NOW });
});
afterEach(() => {
  jest.useRealTimers();
});

/** A warehouse that responds as set in `state`, after `tookMs`, and a clock and timers that advance with it. */
function world() {
  const asked: number[] = [];
  const state = { isDown: true, tookMs: 100 };
  const log = fakeLog();
  const warehouse = guardWarehouse({
    warehouse: {
      async query(_, deadlineMs) {
        asked.push(deadlineMs);
        await jest.advanceTimersByTimeAsync(state.tookMs);
        if (state.isDown) throw new WarehouseUnavailable('down');
        return new Map();
      },
    },
    limits,
    log,
    now: Date.now,
    random: () => 0.5,
  });
  const ask = () => warehouse.query([KEY], 10_000);
  return { ask, asked, state, log, wait: (ms: number) => jest.setSystemTime(Date.now() + ms) };
}

describe('a failing warehouse', () => {
  test('is not queried after consecutive failures: calls fail immediately, with WarehouseSkipped', async () => {
    const { ask, asked, log } = world();
    for (let failures = 0; failures < 2; failures += 1) await expect(ask()).rejects.toThrow(WarehouseUnavailable);
    await expect(ask()).rejects.toThrow(WarehouseSkipped);
    expect(asked).toEqual([10_000, 10_000]);
    expect(log.only('warehouse.breaker_opened')).toEqual({ probe_in_ms: 10_000 });
  });
});
