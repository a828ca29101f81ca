import { expect, test } from '@jest/globals';
import { isSound, startTally } from '../../local/soak/outcome.ts';
import { SOAK_PARTNERS, soak } from '../../local/soak/play-soak.ts';
import { runningSession } from './running-session.ts';

const tally = startTally();
const session = runningSession({ partners: SOAK_PARTNERS, onReceipt: tally.record });

test('functions killed at random, events published three times, dead-letter messages redriven twice: nothing is lost', async () => {
  const outcome = await soak(session(), tally, { events: 60, killsPerSecond: 1, seed: 1 }, () => {});
  expect(outcome).toMatchObject({
    events: 60,
    messages: 72,
    missing: [],
    strangers: [],
    tooSoon: [],
  });
  // Two events are refused for good, each time. A function killed between a dead letter and the ledger's line leaves a second.
  expect(outcome.redriven.map((letters) => letters >= 2)).toEqual([true, true]);
  expect(outcome.kills).toBeGreaterThan(0);
  expect(isSound(outcome)).toBe(true);
});
