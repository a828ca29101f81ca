import { setTimeout as realSleep, setImmediate as turn } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import fc from 'fast-check';
import { Clock, MAX_SKIP_MS, type Work } from '../../../local/clock/clock.ts';
import { realNowMs } from '../../../local/clock/moved-date.js';

const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

let clock: Clock;
let startedMs: number;
beforeEach(() => {
  clock = new Clock();
  startedMs = Date.now();
});
afterEach(() => {
  jest.restoreAllMocks();
  clock.stop();
});

/** Whole hours since the test began: what passes for real is less than one. */
const hours = () => Math.floor((Date.now() - startedMs) / HOUR_MS);

/** What happened, each with its hour. */
function diary() {
  const entries: [string, number][] = [];
  return { entries, note: (what: string) => void entries.push([what, hours()]) };
}

/** Sleeps for hours, then notes it. It ends with the clock. */
function sleepAndNote(atHour: number, note: (what: string) => void, sleep = clock.sleep.bind(clock)): void {
  sleep(atHour * HOUR_MS).then(
    () => note(`slept ${atHour}`),
    () => {},
  );
}

async function turns(): Promise<void> {
  for (let turned = 0; turned < 20; turned += 1) await turn();
}

describe('a clock', () => {
  test('never jumps by itself', async () => {
    const { entries, note } = diary();
    sleepAndNote(1, note);
    await turns();
    expect(clock.isIdle).toBe(true);
    expect(clock.offsetMs).toBe(0);
    expect(entries).toEqual([]);
  });

  test('runs with the real one: a short sleep ends without a jump', async () => {
    await clock.sleep(2);
    await clock.sleep(-1);
    expect(clock.offsetMs).toBe(0);
    expect(Date.now()).toBeGreaterThanOrEqual(startedMs + 2);
  });

  test('has the process’s Date follow it: now, new, and as a function; other dates are what they were', async () => {
    await clock.skip(10 * HOUR_MS);
    const isMoved = (ms: number) => ms - realNowMs() > 9 * HOUR_MS;
    expect([Date.now(), Date.parse(new Date().toISOString()), Date.parse(Date())].map(isMoved)).toEqual([
      true,
      true,
      true,
    ]);
    expect(new Date(5).getTime()).toBe(5);
    expect(new Date('2026-01-05T00:00:00Z').toISOString()).toBe('2026-01-05T00:00:00.000Z');
    expect(Date.UTC(1970, 0, 1)).toBe(0);
    expect(new Date()).toBeInstanceOf(Date);
  });

  test('stopped, ends all sleeps and gives the real Date back', async () => {
    const { note } = diary();
    await clock.skip(10 * HOUR_MS);
    sleepAndNote(1, note);
    const sleeping = clock.sleep(HOUR_MS);
    clock.stop();
    await expect(sleeping).rejects.toThrow('the platform stops');
    await expect(clock.sleep(HOUR_MS)).rejects.toThrow('the platform stops');
    expect(Date.now() - realNowMs()).toBeLessThan(HOUR_MS);
  });
});

describe('sleep', () => {
  test('ends with its signal, by the reason; nothing is due then', async () => {
    const aborting = new AbortController();
    const sleeping = clock.sleep(HOUR_MS, aborting.signal);
    aborting.abort(new Error('no longer'));
    await expect(sleeping).rejects.toThrow('no longer');
    await expect(clock.sleep(HOUR_MS, aborting.signal)).rejects.toThrow('no longer');
    await expect(clock.until('it', () => false)).rejects.toThrow('it: nothing is due any more');
  });

  test('may be longer than any timer of Node', async () => {
    const { entries, note } = diary();
    sleepAndNote(60 * 24, note);
    await clock.skip(60 * DAY_MS);
    expect(entries).toEqual([['slept 1440', 1440]]);
  });
});

describe('until', () => {
  test('jumps to the next due time, and only while the probe finds nothing; it returns what the probe found', async () => {
    const { entries, note } = diary();
    for (const hour of [3, 1, 2]) sleepAndNote(hour, note);
    expect(await clock.until('two sleeps', () => entries.length === 2 && 'two')).toBe('two');
    expect(await clock.until('two sleeps', () => entries.length === 2)).toBe(true);
    expect(entries).toEqual([
      ['slept 1', 1],
      ['slept 2', 2],
    ]);
    expect(hours()).toBe(2);
  });

  test('has whatever is due come in its order and at its time, also what only comes up on the way', async () => {
    const plan = fc.array(fc.record({ atHour: fc.integer({ min: 1, max: 80 }), thenHours: fc.option(fc.nat(10)) }), {
      minLength: 1,
      maxLength: 12,
    });
    await fc.assert(
      fc.asyncProperty(plan, async (planned) => {
        startedMs = Date.now();
        const noted: number[] = [];
        const expected: number[] = [];
        for (const { atHour, thenHours } of planned) {
          expected.push(atHour, ...(thenHours === null ? [] : [atHour + thenHours]));
          void clock.work(async (work) => {
            await work.sleep(atHour * HOUR_MS);
            noted.push(hours());
            if (thenHours === null) return;
            await work.sleep(thenHours * HOUR_MS);
            noted.push(hours());
          });
        }
        await clock.until('everything', () => noted.length === expected.length);
        expect(noted).toEqual(expected.sort((a, b) => a - b));
      }),
      { numRuns: 15 },
    );
  });

  test('ends first what is due first, though one jump reaches both', async () => {
    const ended: string[] = [];
    let begunMs: number;
    let aborting: AbortController | undefined;
    // Both sleeps begin in one millisecond.
    do {
      aborting?.abort();
      aborting = new AbortController();
      begunMs = Date.now();
      for (const [what, ms] of [
        ['second', 0.6],
        ['first', 0.3],
      ] as const) {
        clock.sleep(HOUR_MS + ms, aborting.signal).then(
          () => ended.push(what),
          () => {},
        );
      }
    } while (Date.now() !== begunMs);
    await clock.until('both', () => ended.length === 2);
    expect(ended).toEqual(['first', 'second']);
  });

  test('probes again what came true while the probe ran: it neither jumps nor gives up', async () => {
    const probe = () => {
      let isDone = false;
      void clock.sleep(1).then(() => {
        isDone = true;
      });
      return async () => {
        const wasDone = isDone;
        while (!isDone) await turn();
        return wasDone;
      };
    };
    await clock.until('a sleep', probe());
    const { note } = diary();
    sleepAndNote(1, note);
    await clock.until('another one', probe());
    expect(hours()).toBe(0);
  });

  test('jumps though each probe has something happen', async () => {
    const { entries, note } = diary();
    sleepAndNote(1, note);
    await clock.until('a sleep', async () => {
      await clock.work(async () => undefined);
      return entries.length === 1;
    });
    expect(hours()).toBe(1);
  });

  test('does not jump while a work runs, but while it sleeps', async () => {
    const { entries, note } = diary();
    sleepAndNote(2, note);
    const work = clock.begin();
    const waiting = clock.until('the sleeps', () => entries.length === 2);
    await turns();
    expect(clock.offsetMs).toBe(0);
    sleepAndNote(1, note, work.sleep);
    await clock.until('the first', () => entries.length === 1);
    // It is awake again, and runs until it ends.
    await turns();
    expect(entries).toEqual([['slept 1', 1]]);
    work.end();
    work.end();
    await waiting;
    expect(entries.at(-1)).toEqual(['slept 2', 2]);
  });

  test('a work that sleeps twice in parallel runs when both have ended', async () => {
    const { entries, note } = diary();
    let work: Work | undefined;
    void clock.work(async (own) => {
      work = own;
      await Promise.all([1, 2].map((hour) => own.sleep(hour * HOUR_MS).then(() => note(`slept ${hour}`))));
      note('awake');
    });
    await clock.until('it ends', () => entries.length === 3);
    expect(work).toBeDefined();
    expect(entries).toEqual([
      ['slept 1', 1],
      ['slept 2', 2],
      ['awake', 2],
    ]);
    expect(clock.isIdle).toBe(true);
  });

  test('a work whose task throws has ended, and so has its sleep', async () => {
    const failing = clock.work(async (work) => {
      const aborting = new AbortController();
      aborting.abort(new Error('cut short'));
      await work.sleep(HOUR_MS, aborting.signal);
    });
    await expect(failing).rejects.toThrow('cut short');
    expect(clock.isIdle).toBe(true);
  });

  test('has followers move before its own Date, and waits for them', async () => {
    const seen: [number, number][] = [];
    await clock.follow(async (offsetMs) => {
      await turns();
      seen.push([offsetMs / HOUR_MS, hours()]);
    });
    expect(seen).toEqual([[0, 0]]);
    const { entries, note } = diary();
    sleepAndNote(1, note);
    await clock.until('a sleep', () => entries.length === 1);
    expect(seen.map(([offset, hour]) => [Math.round(offset), hour])).toEqual([
      [0, 0],
      [1, 0],
    ]);
    expect(hours()).toBe(1);
  });

  test('a source is due too; it holds the clock while it is busy, and hears of every jump', async () => {
    let dueAt: number | undefined = startedMs + HOUR_MS;
    let isBusy = true;
    const wakes: number[] = [];
    clock.addSource({
      dueAt: () => dueAt,
      isBusy: () => isBusy,
      wake() {
        wakes.push(hours());
        if (Date.now() >= (dueAt ?? Number.POSITIVE_INFINITY)) dueAt = undefined;
      },
    });
    const waiting = clock.until('it wakes', () => dueAt === undefined);
    await turns();
    expect(wakes).toEqual([]);
    isBusy = false;
    await waiting;
    expect(wakes).toEqual([1]);
  });

  describe('ends with NotReached', () => {
    const never = () => false;

    test('where what is due next is too late, without a jump to it', async () => {
      const { entries, note } = diary();
      sleepAndNote(1, note);
      sleepAndNote(3, note);
      await expect(clock.until('a wonder', never, { withinMs: 2 * HOUR_MS })).rejects.toMatchObject({
        name: 'NotReached',
        message: 'a wonder: not within 7200 s of pipeline time',
      });
      expect(entries).toHaveLength(1);
      expect(hours()).toBe(1);
    });

    test('after four days by default', async () => {
      void clock.every(DAY_MS, () => undefined);
      await expect(clock.until('a wonder', never)).rejects.toMatchObject({ name: 'NotReached' });
      expect(hours()).toBe(4 * 24);
    });

    test.each([
      ['until', () => clock.until('a wonder', never), 'a wonder: the platform is still at work'],
      ['skip', () => clock.skip(HOUR_MS), 'skip: the platform is still at work'],
    ])('where the platform works for a minute without end: %s', async (_name, wait, message) => {
      clock.begin();
      const now = performance.now();
      jest
        .spyOn(performance, 'now')
        .mockReturnValueOnce(now)
        .mockReturnValueOnce(now)
        .mockReturnValue(now + 60_001);
      await expect(wait()).rejects.toMatchObject({ name: 'NotReached', message });
    });
  });
});

describe('skip', () => {
  test('brings what is due after it nearer, in real time too', async () => {
    const { entries, note } = diary();
    void clock.sleep(HOUR_MS + 100).then(
      () => note('slept'),
      () => {},
    );
    await clock.skip(HOUR_MS);
    expect(entries).toEqual([]);
    await realSleep(200);
    expect(entries).toEqual([['slept', 1]]);
  });

  test('concurrent with another one ends at its own time, and no clock goes back', async () => {
    const offsets: number[] = [];
    await clock.follow(async (offsetMs) => {
      // The shorter jump begins first and would end last.
      await realSleep(offsetMs < 3 * HOUR_MS ? 20 : 1);
      offsets.push(offsetMs);
    });
    const ended = [2, 5].map((hour) => clock.skip(hour * HOUR_MS).then(hours));
    expect(await Promise.all(ended)).toEqual([2, 5]);
    expect(offsets).toEqual(offsets.toSorted((a, b) => a - b));
  });

  test('does not jump over a work that begins while followers move: they go back until it has ended', async () => {
    const offsets: number[] = [];
    let work: Work | undefined;
    await clock.follow(async (offsetMs) => {
      if (offsetMs > 0) work ??= clock.begin();
      offsets.push(Math.round(offsetMs / HOUR_MS));
    });
    const skipping = clock.skip(HOUR_MS);
    await turns();
    expect(clock.offsetMs).toBe(0);
    expect(offsets).toEqual([0, 1, 0]);
    work?.end();
    await skipping;
    expect(hours()).toBe(1);
    expect(offsets).toEqual([0, 1, 0, 1]);
  });

  test('ends where the clock stops meanwhile, and leaves the real Date alone', async () => {
    await clock.follow(async (offsetMs) => {
      if (offsetMs > 0) clock.stop();
    });
    await expect(clock.skip(HOUR_MS)).rejects.toThrow('the platform stops');
    expect(Date.now() - realNowMs()).toBeLessThan(HOUR_MS);
  });

  test('lets what is due on the way happen at its time, and what it causes', async () => {
    const { entries, note } = diary();
    void clock.work(async (work) => {
      for (let times = 0; times < 4; times += 1) {
        await work.sleep(HOUR_MS);
        note('hour');
      }
    });
    await clock.skip(3 * HOUR_MS + HOUR_MS / 2);
    expect(entries).toEqual([1, 2, 3].map((hour) => ['hour', hour]));
    expect(Date.now() - startedMs).toBeGreaterThanOrEqual(3.5 * HOUR_MS);
    await clock.until('the rest', () => entries.length === 4);
  });

  test.each([-1, MAX_SKIP_MS + 1, Number.NaN])('refuses %d ms', async (durationMs) => {
    await expect(clock.skip(durationMs)).rejects.toThrow(RangeError);
    expect(clock.offsetMs).toBe(0);
  });
});

describe('every', () => {
  test('calls back at each interval from its start on, waits for it, and ends with the clock', async () => {
    const { entries, note } = diary();
    const ticking = clock.every(2 * HOUR_MS, async () => {
      note('begins');
      await turns();
      note('ends');
    });
    await clock.skip(5 * HOUR_MS);
    expect(entries).toEqual([
      ['begins', 2],
      ['ends', 2],
      ['begins', 4],
      ['ends', 4],
    ]);
    clock.stop();
    await ticking;
  });

  test('is due exactly an interval after its start, though the real clock runs on between two reads of it', async () => {
    const reads = [0, 1, 2, 3].map((laterMs) => startedMs + laterMs);
    globalThis.Date = { now: () => reads.shift() ?? startedMs } as DateConstructor;
    let ticks = 0;
    void clock.every(DAY_MS, () => void ticks++);
    reads.length = 0;
    await clock.until('a tick', () => ticks > 0, { withinMs: DAY_MS });
  });
});

describe('samples', () => {
  const minutes = (ms: number) => Math.floor((ms - startedMs) / MINUTE_MS);

  test('a sample is taken for each interval of a jump, with the value that holds in it', async () => {
    const samples: [minute: number, value: string][] = [];
    let value = 'before';
    clock.sample(MINUTE_MS, (nowMs) => void samples.push([minutes(nowMs), value]));
    void clock.sleep(2.5 * MINUTE_MS).then(() => {
      value = 'after';
    });
    let jumps = 0;
    await clock.follow(async () => void jumps++);
    await clock.skip(4 * MINUTE_MS);
    // Samples make nothing due: there is one jump to the end of the sleep, and one to that of the skip.
    expect(jumps).toBe(3);
    expect(samples).toEqual([
      [1, 'before'],
      [2, 'before'],
      [3, 'after'],
      [4, 'after'],
    ]);
  });
});
