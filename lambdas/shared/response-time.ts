/** How often the event loop shows that it is free, in milliseconds. */
const TICK_MS = 50;

/**
 * Measures time without the time in which this process was held up itself. It is counted in ticks of a timer, and a tick that
 * comes late counts as one all the same.
 *
 * A function of 512 MB has three tenths of a CPU. While it loads modules or makes TLS handshakes, its event loop stands still
 * and a response waits to be read: by the wall clock a server that responded within 20 ms took seconds.
 */
export class ActiveTime {
  readonly #now: () => number;
  readonly #onTick: () => void;
  #lastMs: number;
  #elapsedMs = 0;
  #timer: NodeJS.Timeout;

  /**
   * Starts to count.
   *
   * @param now a clock, ms
   * @param onTick called after each tick
   */
  constructor(now: () => number, onTick: () => void = () => undefined) {
    this.#now = now;
    this.#onTick = onTick;
    this.#lastMs = now();
    this.#timer = setTimeout(() => this.#tick(), TICK_MS);
  }

  /** Counted up to the last tick, in milliseconds. */
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
 * Once the request is sent, what this process does delays no response. A partner that keeps it waiting from then on is
 * noticed by the wall clock too, after the event loop has read what arrived.
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
   * Starts to count.
   *
   * @param notice called once, when the partner has not responded for so long
   * @param now a clock, ms
   */
  constructor(noticeAfterMs: number, notice: () => void, now: () => number) {
    this.#noticeAfterMs = noticeAfterMs;
    this.#notice = notice;
    this.#now = now;
    this.#time = new ActiveTime(now, () => {
      // After the event loop has read what arrived while it stood still.
      if (this.#isLong()) setImmediate(() => this.#noticeOnce());
    });
  }

  /** Takes in how far the request is. A request that is sent a second time begins its wait again. */
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
