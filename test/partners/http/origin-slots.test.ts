import { describe, expect, test } from '@jest/globals';
import { OriginSlots } from '../../../lambdas/partners/http/origin-slots.ts';

describe('slots of an origin', () => {
  test('are waited for in order when all are taken, and one that came free goes to the first', async () => {
    const slots = new OriginSlots(1);
    slots.acquire('a', 1_000);
    const order: string[] = [];
    const waiting = ['first', 'second'].map(async (who) => {
      expect(await slots.acquire('a', 10_000)).toBe(true);
      order.push(who);
      slots.release('a');
    });
    slots.release('a');
    await Promise.all(waiting);
    expect(order).toEqual(['first', 'second']);
    expect(slots.acquire('a', 1_000)).toBe(true);
  });

  test('are waited for until the timeout; a request that timed out gets none', async () => {
    const slots = new OriginSlots(1);
    slots.acquire('a', 1_000);
    expect(await slots.acquire('a', 10)).toBe(false);
    slots.release('a');
    expect(slots.acquire('a', 1_000)).toBe(true);
  });
});
