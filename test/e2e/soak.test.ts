import { expect, test } from '@jest/globals';
import { SOAK_PARTNERS, soak } from '../../local/soak/play-soak.ts';
import { isSound } from '../../local/soak/reckon.ts';
import { startTally } from '../../local/soak/tally.ts';
import { runningWorld } from './running-world.ts';

const tally = startTally();
const world = runningWorld({ timeScale: 60, partners: SOAK_PARTNERS, onReceipt: tally.note });

test('functions killed at random, events published three times, dead letters redriven twice: nothing is lost', async () => {
  const outcome = await soak(world(), tally, { events: 100, killsPerSecond: 1 }, () => {});
  expect(outcome).toMatchObject({
    events: 100,
    messages: 120,
    missing: [],
    strangers: [],
    tooSoon: [],
  });
  // Two webhooks are refused for good. A function killed between its letter and the ledger's line leaves a second letter.
  expect(outcome.redriven).toHaveLength(2);
  for (const letters of outcome.redriven) expect(letters).toBeGreaterThanOrEqual(2);
  expect(outcome.kills).toBeGreaterThan(0);
  expect(isSound(outcome)).toBe(true);
}, 400_000);
