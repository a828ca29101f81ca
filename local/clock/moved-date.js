/**
 * Moves the `Date` of this process: the real clock plus an offset that only grows. Timers and `performance.now()` stay real.
 *
 * JavaScript, since the runtime of each function loads it: see function-runtime.js.
 */
const RealDate = globalThis.Date;
const realNow = RealDate.now;
let offsetMs = 0;

const now = () => realNow() + offsetMs;

const MovedDate = new Proxy(RealDate, {
  construct: (target, values, newTarget) =>
    Reflect.construct(target, values.length === 0 ? [now()] : values, newTarget),
  apply: () => new RealDate(now()).toString(),
  get: (target, key) => (key === 'now' ? now : Reflect.get(target, key)),
});

/**
 * Moves `Date` ahead of the real clock.
 *
 * @type {(byMs: number) => void}
 */
export function moveDate(byMs) {
  offsetMs = byMs;
  globalThis.Date = MovedDate;
}

/** Gives this process its own `Date` back. */
export function restoreDate() {
  offsetMs = 0;
  globalThis.Date = RealDate;
}

/**
 * The real clock, in epoch milliseconds.
 *
 * @type {() => number}
 */
export function realNowMs() {
  return realNow();
}
