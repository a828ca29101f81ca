import { AwakeTime } from '../domain/awake-time.ts';

/**
 * Measures how long a partner takes to respond, as `AwakeTime` counts.
 *
 * Once the request is sent, what this process does delays no response. A partner that keeps it waiting from then on is
 * noticed by the wall clock too, after the event loop has read what arrived.
 */
export class ResponseTime {
  readonly #noticeAfterMs: number;
  readonly #notice: () => void;
  readonly #now: () => number;
  readonly #time: AwakeTime;
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
    this.#time = new AwakeTime(now, () => {
      // After the event loop has read what arrived while it stood still.
      if (this.#isLong()) setImmediate(() => this.#noticeOnce());
    });
  }

  /** Takes in how far the request is. A request that is sent a second time begins its wait again. */
  note(step: 'sent' | 'responded'): void {
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
