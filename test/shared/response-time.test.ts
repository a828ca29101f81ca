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

/** The event loop stands still: the clock goes on and no timer fires. */
const holdUp = (ms: number) => jest.setSystemTime(Date.now() + ms);

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

test('counts a tick of 50 ms for a time in which the event loop stood still', () => {
  const { notice, time } = started();
  jest.advanceTimersByTime(1_000);
  holdUp(60_000);
  jest.advanceTimersByTime(50);
  holdUp(60_000);
  expect(time.stop()).toBe(1_100);
  expect(notice).not.toHaveBeenCalled();
});

test('once the request is sent, notices a partner that keeps it waiting by the wall clock too', () => {
  const { notice, time } = started();
  holdUp(60_000);
  time.record('sent');
  jest.advanceTimersByTime(50);
  holdUp(1_900);
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

test('counts nothing where the clock is set back', () => {
  const { time } = started();
  jest.advanceTimersByTime(100);
  holdUp(-60_000);
  expect(time.stop()).toBe(100);
});

test('never counts more than the free time and a tick for each time that the loop stood still', () => {
  const period = fc.record({ freeMs: fc.nat(500), heldUpMs: fc.nat(10_000) });
  fc.assert(
    fc.property(fc.array(period, { maxLength: 20 }), (periods) => {
      const { time } = started();
      let freeMs = 0;
      for (const one of periods) {
        jest.advanceTimersByTime(one.freeMs);
        holdUp(one.heldUpMs);
        freeMs += one.freeMs;
      }
      const elapsedMs = time.stop();
      expect(elapsedMs).toBeLessThanOrEqual(freeMs + 50 * periods.length);
      expect(elapsedMs).toBeGreaterThanOrEqual(freeMs - 50 * periods.length);
    }),
  );
});
