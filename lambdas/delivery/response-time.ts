/** How often the event loop shows that it is free, in milliseconds. */
const TICK_MS = 50;

/**
 * Measures how long a partner takes to respond, without the time in which this process was held up itself.
 *
 * A function of 512 MB has three tenths of a CPU. While it loads modules or makes TLS handshakes, its event loop stands still
 * and a response waits to be read: by the wall clock a partner that responded within 20 ms took seconds. So the time is
 * counted in ticks of a timer, and a tick that comes late counts as one all the same.
 */
export class ResponseTime {
  readonly #noticeAfterMs: number;
  readonly #notice: () => void;
  readonly #now: () => number;
  #lastMs: number;
  #elapsedMs = 0;
  #hasNoticed = false;
  #timer: NodeJS.Timeout;

  /**
   * Starts to count.
   *
   * @param notice called once, when so much time is counted
   * @param now a clock, ms
   */
  constructor(noticeAfterMs: number, notice: () => void, now: () => number) {
    this.#noticeAfterMs = noticeAfterMs;
    this.#notice = notice;
    this.#now = now;
    this.#lastMs = now();
    this.#timer = setTimeout(() => this.#tick(), TICK_MS);
  }

  /** @returns the time counted, in milliseconds */
  stop(): number {
    clearTimeout(this.#timer);
    this.#count();
    return this.#elapsedMs;
  }

  #tick(): void {
    this.#count();
    if (!this.#hasNoticed && this.#elapsedMs >= this.#noticeAfterMs) {
      this.#hasNoticed = true;
      this.#notice();
    }
    this.#timer = setTimeout(() => this.#tick(), TICK_MS);
  }

  #count(): void {
    const nowMs = this.#now();
    // Not below 0: a wall clock may be set back.
    this.#elapsedMs += Math.max(0, Math.min(nowMs - this.#lastMs, TICK_MS));
    this.#lastMs = nowMs;
  }
}
