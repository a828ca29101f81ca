import { isDeepStrictEqual } from 'node:util';
import { expect, test } from '@jest/globals';
import { learnerKeyText } from '../../lambdas/warehouse/learning-time.ts';
import type { WarmRow } from '../../lambdas/warehouse/warming.ts';
import { warmInputSchema } from '../../lambdas/warming/warm-report.ts';
import { warmCache } from '../../lambdas/warming/warm-run.ts';
import { NOW } from '../support/factories.ts';
import { learner, learningTimesOf, memoryWarming, rowsOf } from '../support/memory-warming.ts';

const HOUR_MS = 3_600_000;

// Learner 2 has new seconds, 3 and 4 have disappeared, 11 and 12 are new.
const YESTERDAY = rowsOf({ 1: 10, 2: 20, 3: 30, 4: 40, 5: 50, 6: 60, 7: 70, 8: 80, 9: 90, 10: 100 });
const TODAY = rowsOf({ 1: 10, 2: 25, 5: 50, 6: 60, 7: 70, 8: 80, 9: 90, 10: 100, 11: 5, 12: 6 });
const TABLES = [learningTimesOf(YESTERDAY), learningTimesOf(TODAY)];
const IN_BOTH = [1, 2, 5, 6, 7, 8, 9, 10].map((number) => learnerKeyText(learner(number)));

/** From 0 up to, but without, 1: the same numbers in every run of the tests. */
function seededRandom(): () => number {
  let state = 20_260_115;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

/** Ends a run where Lambda's timeout, or a crash, would. */
class Killed extends Error {}

/** A cache that holds yesterday's table, and a table that has changed since. */
async function changedTable() {
  let fuse = Number.POSITIVE_INFINITY;
  const steps: string[] = [];
  const services = memoryWarming((step) => {
    steps.push(step);
    checkEntries();
    fuse -= 1;
    if (fuse < 0) throw new Killed(step);
  });
  const run = (remainingMs: () => number = () => 840_000) =>
    warmCache(warmInputSchema.parse({}), services, remainingMs);
  let isLoaded = false;
  /** At every step a learner of both tables has an entry, of yesterday or of today. */
  function checkEntries() {
    if (!isLoaded) return;
    const hits = services.store.hits();
    const lost = IN_BOTH.filter((key) => hits[key] === undefined);
    const wrong = Object.entries(hits).filter(
      ([key, hit]) => !TABLES.some((table) => isDeepStrictEqual(table[key], hit)),
    );
    if (lost.length + wrong.length > 0) throw new Error(`lost: ${lost}; wrong: ${wrong.map(([key]) => key)}`);
  }
  services.warehouse.change(YESTERDAY, NOW - 26 * HOUR_MS);
  await run();
  isLoaded = true;
  services.warehouse.change(TODAY, NOW - HOUR_MS);
  return {
    services,
    run,
    /** Runs, and kills the run after so many steps. @returns whether it was killed */
    async runUntil(killAfter: number): Promise<boolean> {
      fuse = killAfter;
      const killed = await run().then(
        () => false,
        (thrown) => {
          if (thrown instanceof Killed) return true;
          throw thrown;
        },
      );
      fuse = Number.POSITIVE_INFINITY;
      return killed;
    },
    steps,
  };
}

type Changed = Awaited<ReturnType<typeof changedTable>>;

/** Readers hit exactly the rows of the table, by one marker, and no progress is left. */
async function expectExactly(rows: readonly WarmRow[], { services, run }: Changed) {
  await run();
  expect(services.store.hits()).toEqual(learningTimesOf(rows));
  expect(services.store.marker).toMatchObject({ token: services.warehouse.token, rows: rows.length });
}

test('a run that is killed at any step is continued to exactly the rows of the table', async () => {
  const whole = await changedTable();
  const before = whole.steps.length;
  await expectExactly(TODAY, whole);
  const length = whole.steps.length - before;
  expect(length).toBeGreaterThan(30);
  for (let killAfter = 0; killAfter < length; killAfter += 1) {
    const changed = await changedTable();
    expect(await changed.runUntil(killAfter)).toBe(true);
    await expectExactly(TODAY, changed);
    // At most one more: a run that is killed before it has stored the query's id.
    expect(changed.services.warehouse.queried.length).toBeLessThanOrEqual(3);
  }
});

test('a run that is killed again and again at random, or runs out of time, ends with exactly the rows', async () => {
  const random = seededRandom();
  for (let round = 0; round < 40; round += 1) {
    const changed = await changedTable();
    for (let runs = 0; runs < 12; runs += 1) {
      if (random() < 0.5) await changed.runUntil(Math.floor(random() * 40));
      else await changed.run(() => (random() < 0.3 ? 0 : 840_000));
      if (random() < 0.1) changed.services.warehouse.forgetResults();
    }
    await expectExactly(TODAY, changed);
  }
});

test('a cache that is emptied at any step is filled again by the next run', async () => {
  const emptied = async (afterSteps: number) => {
    let steps = 0;
    const services = memoryWarming(() => {
      steps += 1;
      if (steps === afterSteps) services.store.clear();
    });
    services.warehouse.change(TODAY, NOW - HOUR_MS);
    const run = () => warmCache(warmInputSchema.parse({}), services, () => 840_000);
    // It fails if it notices, and the next run starts again.
    await run().catch(() => undefined);
    const ofFirstRun = steps;
    await run();
    expect(services.store.hits()).toEqual(learningTimesOf(TODAY));
    return ofFirstRun;
  };
  const steps = await emptied(0);
  expect(steps).toBeGreaterThan(30);
  for (let afterSteps = 1; afterSteps <= steps; afterSteps += 1) await emptied(afterSteps);
});

test('two runs at the same time end with exactly the rows, whichever is ahead', async () => {
  const random = seededRandom();
  for (let round = 0; round < 40; round += 1) {
    const changed = await changedTable();
    const { store } = changed.services;
    // Each command of the store takes another time, so that the runs overtake each other.
    for (const name of ['write', 'advanceProgress', 'writeProgress', 'complete', 'readProgress'] as const) {
      const command = store[name].bind(store) as (...args: unknown[]) => Promise<unknown>;
      Object.assign(store, {
        [name]: async (...args: unknown[]) => {
          for (let turns = Math.floor(random() * 5); turns > 0; turns -= 1) await Promise.resolve();
          return await command(...args);
        },
      });
    }
    await Promise.allSettled([changed.run(), changed.run()]);
    await expectExactly(TODAY, changed);
  }
});
