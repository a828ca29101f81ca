/** Interval of the timer, in milliseconds. */
const TICK_MS = 50;

/**
 * Measures time, excluding the time in which this process's event loop was blocked. It counts the ticks of a timer; a late
 * tick counts as one tick.
 *
 * A function with 512 MB has 0.3 of a CPU. While it loads modules or makes TLS handshakes, its event loop is blocked and
 * responses wait to be read: by the wall clock, a server that responded within 20 ms took seconds.
 */
export class ActiveTime {
  readonly #now: () => number;
  readonly #onTick: () => void;
  #lastMs: number;
  #elapsedMs = 0;
  #timer: NodeJS.Timeout;

  /**
   * Starts counting.
   *
   * @param now a clock, in milliseconds
   * @param onTick called after each tick
   */
  constructor(now: () => number, onTick: () => void = () => undefined) {
    this.#now = now;
    this.#onTick = onTick;
    this.#lastMs = now();
    this.#timer = setTimeout(() => this.#tick(), TICK_MS);
  }

  /** The time counted up to the last tick, in milliseconds. */
  get elapsedMs(): number {
    return this.#elapsedMs;
  }

  /** @returns the time counted, in milliseconds */
  stop(): number {
    clearTimeout(this.#timer);
    this.#count();
    return this.#elapsedMs;
  }

  #tick(): void {
    this.#count();
    this.#onTick();
    this.#timer = setTimeout(() => this.#tick(), TICK_MS);
  }

  #count(): void {
    const nowMs = this.#now();
    // Not below 0: a wall clock may be set back.
    this.#elapsedMs += Math.max(0, Math.min(nowMs - this.#lastMs, TICK_MS));
    this.#lastMs = nowMs;
  }
}

/**
 * Measures how long a partner takes to respond, as `ActiveTime` counts.
 *
 * After the request is sent, a busy process does not delay the response itself. From then on the wall clock counts too, once
 * the event loop has read what arrived.
 */
export class ResponseTime {
  readonly #noticeAfterMs: number;
  readonly #notice: () => void;
  readonly #now: () => number;
  readonly #time: ActiveTime;
  #sentAtMs: number | undefined;
  #isWaiting = true;
  #hasNoticed = false;

  /**
   * Starts counting.
   *
   * @param notice called once, if the partner has not responded for `noticeAfterMs`
   * @param now a clock, in milliseconds
   */
  constructor(noticeAfterMs: number, notice: () => void, now: () => number) {
    this.#noticeAfterMs = noticeAfterMs;
    this.#notice = notice;
    this.#now = now;
    this.#time = new ActiveTime(now, () => {
      // After the event loop has read what arrived while it was blocked.
      if (this.#isLong()) setImmediate(() => this.#noticeOnce());
    });
  }

  /** Records the request's progress. A request that is sent a second time restarts the wait. */
  record(step: 'sent' | 'responded'): void {
    if (step === 'sent') this.#sentAtMs = this.#now();
    else this.#isWaiting = false;
  }

  /** @returns the time counted, in milliseconds */
  stop(): number {
    this.#isWaiting = false;
    return this.#time.stop();
  }

  #isLong(): boolean {
    const sinceSentMs = this.#sentAtMs === undefined ? 0 : this.#now() - this.#sentAtMs;
    return Math.max(this.#time.elapsedMs, sinceSentMs) >= this.#noticeAfterMs;
  }

  #noticeOnce(): void {
    if (this.#hasNoticed || !this.#isWaiting) return;
    this.#hasNoticed = true;
    this.#notice();
  }
}
