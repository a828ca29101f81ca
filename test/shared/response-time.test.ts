import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import fc from 'fast-check';
import { ResponseTime } from '../../lambdas/shared/response-time.ts';
import { NOW } from '../support/factories.ts';

beforeEach(() => {
  jest.useFakeTimers({ now: NOW });
});
afterEach(() => {
  jest.useRealTimers();
});

/** Blocks the event loop: the clock advances and no timer fires. */
const block = (ms: number) => jest.setSystemTime(Date.now() + ms);

function started() {
  const notice = jest.fn();
  return { notice, time: new ResponseTime(2_000, notice, Date.now) };
}

test('counts the whole time while the event loop is free, and notices once', () => {
  const { notice, time } = started();
  jest.advanceTimersByTime(1_999);
  expect(notice).not.toHaveBeenCalled();
  // The turn of the event loop in which a response would be read is a millisecond of the fake clock.
  jest.advanceTimersByTime(2);
  expect(notice).toHaveBeenCalledTimes(1);
  jest.advanceTimersByTime(10_019);
  expect(time.stop()).toBe(12_020);
  jest.advanceTimersByTime(10_000);
  expect(notice).toHaveBeenCalledTimes(1);
});

test('counts a tick of 50 ms for a time in which the event loop was blocked', () => {
  const { notice, time } = started();
  jest.advanceTimersByTime(1_000);
  block(60_000);
  jest.advanceTimersByTime(50);
  block(60_000);
  expect(time.stop()).toBe(1_100);
  expect(notice).not.toHaveBeenCalled();
});

test('after the request is sent, notices a late response by the wall clock too', () => {
  const { notice, time } = started();
  block(60_000);
  time.record('sent');
  jest.advanceTimersByTime(50);
  block(1_900);
  jest.advanceTimersByTime(49);
  expect(notice).not.toHaveBeenCalled();
  jest.advanceTimersByTime(51);
  expect(notice).toHaveBeenCalledTimes(1);
  expect(time.stop()).toBe(150);
});

test('notices nothing once the partner has responded', () => {
  const { notice, time } = started();
  time.record('sent');
  time.record('responded');
  jest.advanceTimersByTime(60_000);
  expect(notice).not.toHaveBeenCalled();
});

test('counts nothing if the clock is set back', () => {
  const { time } = started();
  jest.advanceTimersByTime(100);
  block(-60_000);
  expect(time.stop()).toBe(100);
});

test('counts the free time and at most a tick for each time that the loop was blocked', () => {
  const period = fc.record({ freeMs: fc.nat(500), blockedMs: fc.nat(10_000) });
  fc.assert(
    fc.property(fc.array(period, { maxLength: 20 }), (periods) => {
      const { time } = started();
      let freeMs = 0;
      for (const one of periods) {
        jest.advanceTimersByTime(one.freeMs);
        block(one.blockedMs);
        freeMs += one.freeMs;
      }
      const elapsedMs = time.stop();
      expect(elapsedMs).toBeLessThanOrEqual(freeMs + 50 * periods.length);
      expect(elapsedMs).toBeGreaterThanOrEqual(freeMs - 50 * periods.length);
    }),
  );
});
