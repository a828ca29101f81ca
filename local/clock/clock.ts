import { setTimeout as realSleep, setImmediate as turn } from 'node:timers/promises';
import { moveDate, realNowMs, restoreDate } from './moved-date.js';

/** Node's maximum delay of a timer, in milliseconds: a longer one fires at once. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/** Maximum of `skip`, in milliseconds: 90 days. */
export const MAX_SKIP_MS = 90 * 24 * 3_600_000;

/** Default limit of `until`, in milliseconds of pipeline time: four days, longer than any retry schedule. */
const DEFAULT_WITHIN_MS = 4 * 24 * 3_600_000;

/** Real time, in milliseconds, for which the platform may be busy without a pause before `until` throws. */
const REAL_LIMIT_MS = 60_000;

/** How often a condition is evaluated while the platform works, in real milliseconds. */
const LOOK_EVERY_MS = 5;

/** Number of checks after a jump that are one turn of the event loop apart: most effects of a jump end within them. */
const QUICK_LOOKS = 5;

/** Turns of the event loop for which the platform must be idle before a jump, so that arrived data is read first. */
const QUIET_TURNS = 3;

/** Maximum repetitions of a probe before the next jump because something happened while it ran. */
const MAX_REPEATS = 3;

/** A source of due times, such as a queue with delayed messages. */
export interface DueSource {
  /** The next due time, in epoch milliseconds; undefined: none. */
  dueAt(): number | undefined;
  /** Called after a jump. */
  wake(): void;
  /** Whether it has work now. */
  isBusy(): boolean;
}

/** Moves another clock. Resolves when that clock is ahead of the real one by the offset. */
export type Follower = (offsetMs: number) => Promise<void>;

/** Work prevents the clock from jumping, from `begin` to `end`, except while it sleeps. */
export interface Work {
  /** @throws the signal's reason if it is aborted before */
  sleep(durationMs: number, signal?: AbortSignal): Promise<void>;
  end(): void;
}

export interface UntilOptions {
  /** Limit in milliseconds of pipeline time. Default: four days. */
  readonly withinMs?: number;
}

/** A truthy value. */
export type Truthy<T> = Exclude<T, false | undefined | null | 0 | ''>;

interface Timer {
  readonly atMs: number;
  fire(): void;
  /** Called after a jump, which shortens the remaining real time. */
  rearm(): void;
}

/** The condition of `Clock.until` was not reached. */
export class NotReached extends Error {
  override readonly name = 'NotReached';
}

/**
 * The clock of a platform. It runs with the real one, and jumps over idle times: only in `until` and `skip`, and only while
 * the platform is idle. A jump is realistic, since Lambda freezes functions between invocations.
 *
 * `Date` in this process follows it. There is one clock in a process at a time.
 */
export class Clock {
  readonly #followers: Follower[] = [];
  readonly #samplers: ((nowMs: number) => void)[] = [];
  readonly #sources: DueSource[] = [];
  readonly #timers = new Set<Timer>();
  readonly #stopping = new AbortController();
  #offsetMs = 0;
  #jump: Promise<void> | undefined;
  #working = 0;
  /** Number of ended sleeps and started works. */
  #happened = 0;

  constructor() {
    moveDate(0);
  }

  /** Offset to the real clock, in milliseconds. */
  get offsetMs(): number {
    return this.#offsetMs;
  }

  /** Adds a clock that is moved at once and before every jump. */
  async follow(follower: Follower): Promise<void> {
    this.#followers.push(follower);
    await follower(this.#offsetMs);
  }

  addSource(source: DueSource): void {
    this.#sources.push(source);
  }

  /**
   * Calls a task for each interval that has passed, with the time at its end. Unlike `every`, it does not interrupt jumps:
   * nothing changes during a jump, so the task is called for all of its intervals before it.
   */
  sample(intervalMs: number, task: (nowMs: number) => void): void {
    let nextMs = Date.now() + intervalMs;
    const sampleUntil = (untilMs: number) => {
      for (; nextMs <= untilMs; nextMs += intervalMs) task(nextMs);
    };
    this.#samplers.push(sampleUntil);
    const timer = setInterval(() => sampleUntil(Date.now()), intervalMs);
    timer.unref();
    this.#stopping.signal.addEventListener('abort', () => clearInterval(timer));
  }

  begin(): Work {
    this.#happened += 1;
    return this.beginRequest();
  }

  /** Like `begin`, for an external request, which a probe of `until` may make. */
  beginRequest(): Work {
    let hasEnded = false;
    let sleeping = 0;
    this.#working += 1;
    return {
      sleep: async (durationMs, signal) => {
        // Branches of one execution may sleep in parallel.
        if (sleeping === 0) this.#working -= 1;
        sleeping += 1;
        try {
          await this.sleep(durationMs, signal);
        } finally {
          sleeping -= 1;
          if (sleeping === 0) this.#working += 1;
        }
      },
      end: () => {
        if (!hasEnded) this.#working -= 1;
        hasEnded = true;
      },
    };
  }

  /** Prevents jumps until the task has ended, except while it sleeps. */
  async work<T>(task: (work: Work) => Promise<T>): Promise<T> {
    const work = this.begin();
    try {
      return await task(work);
    } finally {
      work.end();
    }
  }

  /** @throws the signal's reason if it is aborted before */
  sleep(durationMs: number, signal?: AbortSignal): Promise<void> {
    return this.#sleepUntil(Date.now() + Math.max(0, durationMs), signal);
  }

  #sleepUntil(atMs: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const signals = AbortSignal.any([this.#stopping.signal, ...(signal ? [signal] : [])]);
      if (signals.aborted) {
        reject(signals.reason);
        return;
      }
      let real: NodeJS.Timeout;
      const finish = () => {
        clearTimeout(real);
        this.#timers.delete(timer);
        this.#happened += 1;
        signals.removeEventListener('abort', abort);
      };
      const abort = () => {
        finish();
        reject(signals.reason);
      };
      const timer: Timer = {
        atMs,
        fire() {
          finish();
          resolve();
        },
        rearm() {
          clearTimeout(real);
          arm();
        },
      };
      const arm = () => {
        const leftMs = atMs - Date.now();
        if (leftMs <= 0) timer.fire();
        else real = setTimeout(arm, Math.min(leftMs, MAX_TIMER_MS));
      };
      this.#timers.add(timer);
      signals.addEventListener('abort', abort, { once: true });
      real = setTimeout(arm, Math.min(Math.max(0, atMs - Date.now()), MAX_TIMER_MS));
    });
  }

  /** Calls a task after every interval until the clock stops, and awaits its result. */
  async every(intervalMs: number, task: () => void | Promise<void>): Promise<void> {
    const startedMs = Date.now();
    for (let times = 1; !this.#stopping.signal.aborted; times += 1) {
      try {
        await this.#sleepUntil(startedMs + times * intervalMs);
      } catch {
        return;
      }
      await this.work(async () => task());
    }
  }

  /** Whether nothing can change before the next due time. */
  get isIdle(): boolean {
    return this.#working === 0 && this.#sources.every((source) => !source.isBusy());
  }

  /**
   * Runs the pipeline until a probe returns a truthy value. The clock jumps to the next due time whenever the platform is idle.
   *
   * @param what the condition, for the error: `the webhook delivered`
   * @returns the probe's last result
   * @throws NotReached if nothing is due any more, or not `withinMs`, or the platform is busy for a minute
   */
  async until<T>(
    what: string,
    probe: () => T | Promise<T>,
    { withinMs = DEFAULT_WITHIN_MS }: UntilOptions = {},
  ): Promise<Truthy<T>> {
    const giveUpMs = Date.now() + withinMs;
    let looks = 0;
    let repeats = 0;
    let workingSinceMs = performance.now();
    for (;;) {
      const isQuiet = await this.#isQuiet();
      const happened = this.#happened;
      const found = await probe();
      if (found) return found as Truthy<T>;
      if (!(isQuiet && (await this.#isQuiet()))) {
        if (performance.now() - workingSinceMs > REAL_LIMIT_MS) {
          throw new NotReached(`${what}: the platform is still at work`);
        }
        await lookLater(looks++);
        continue;
      }
      // Something may have changed after the probe's read: without a repetition the clock would jump too far.
      if (happened !== this.#happened && repeats++ < MAX_REPEATS) continue;
      const dueAt = this.#nextDueAt();
      if (dueAt === undefined) throw new NotReached(`${what}: nothing is due any more`);
      if (dueAt > giveUpMs) throw new NotReached(`${what}: not within ${withinMs / 1000} s of pipeline time`);
      await this.#jumpTo(dueAt);
      looks = 0;
      repeats = 0;
      workingSinceMs = performance.now();
    }
  }

  /**
   * Runs the pipeline for a time; everything due meanwhile happens at its time. Resolves when the platform is idle afterwards.
   *
   * @param durationMs 0 to `MAX_SKIP_MS` @throws RangeError
   */
  async skip(durationMs: number): Promise<void> {
    if (!(durationMs >= 0 && durationMs <= MAX_SKIP_MS)) {
      throw new RangeError('a skip takes from 0 to 90 days: the clock cannot go back');
    }
    const targetMs = Date.now() + durationMs;
    for (;;) {
      await this.#quiet();
      const nowMs = Date.now();
      const dueAt = this.#nextDueAt();
      if (dueAt !== undefined && dueAt <= Math.max(targetMs, nowMs)) await this.#jumpTo(dueAt);
      else if (nowMs < targetMs) await this.#jumpTo(targetMs);
      else return;
    }
  }

  /** Ends all sleeps and restores the real `Date`. */
  stop(): void {
    this.#stopping.abort(new Error('the platform stops'));
    restoreDate();
  }

  async #quiet(): Promise<void> {
    const sinceMs = performance.now();
    for (let looks = 0; !(await this.#isQuiet()); looks += 1) {
      if (performance.now() - sinceMs > REAL_LIMIT_MS) throw new NotReached('skip: the platform is still at work');
      await lookLater(looks);
    }
  }

  async #isQuiet(): Promise<boolean> {
    for (let turns = 0; turns < QUIET_TURNS; turns += 1) {
      if (!this.isIdle) return false;
      await turn();
    }
    return this.isIdle;
  }

  #nextDueAt(): number | undefined {
    const times = [...[...this.#timers].map(({ atMs }) => atMs), ...this.#sources.map((source) => source.dueAt())];
    const due = times.filter((time) => time !== undefined);
    return due.length === 0 ? undefined : due.reduce((first, time) => Math.min(first, time));
  }

  /** One jump at a time: if one is in progress, waits for its end, and the caller checks again. */
  async #jumpTo(atMs: number): Promise<void> {
    if (this.#jump !== undefined) return this.#jump;
    this.#jump = this.#move(atMs);
    try {
      await this.#jump;
    } finally {
      this.#jump = undefined;
    }
  }

  async #move(atMs: number): Promise<void> {
    const offsetMs = Math.max(this.#offsetMs, Math.ceil(atMs - realNowMs()));
    if (offsetMs > this.#offsetMs) {
      await this.#moveFollowers(offsetMs);
      this.#stopping.signal.throwIfAborted();
      if (!this.isIdle) {
        // An external request arrived meanwhile. It is handled first, at the time of its arrival.
        await this.#moveFollowers(this.#offsetMs);
        return;
      }
      // Work that is due at the end of the jump has not happened yet.
      for (const sampleUntil of this.#samplers) sampleUntil(atMs - 1);
      this.#offsetMs = offsetMs;
      moveDate(offsetMs);
      for (const sampleUntil of this.#samplers) sampleUntil(Date.now());
    }
    const timers = [...this.#timers].sort((a, b) => a.atMs - b.atMs);
    for (const timer of timers) {
      if (timer.atMs <= Date.now()) timer.fire();
      else timer.rearm();
    }
    for (const source of this.#sources) source.wake();
  }

  async #moveFollowers(offsetMs: number): Promise<void> {
    await Promise.all(this.#followers.map((follow) => follow(offsetMs)));
  }
}

/** @param looks number of checks since the last jump */
async function lookLater(looks: number): Promise<void> {
  if (looks < QUICK_LOOKS) await turn();
  else await realSleep(LOOK_EVERY_MS);
}
