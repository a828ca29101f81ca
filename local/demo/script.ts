import { setTimeout as sleep } from 'node:timers/promises';
import { isQueueEmpty } from './is-queue-empty.ts';
import { type LeadScenarios, leadScenarios } from './lead-scenarios.ts';
import { isAsExpected, observe } from './observe.ts';
import type { Scenario } from './scenario.ts';
import { AFTER_THE_FIRST_ANSWER, ALL_SCENARIOS, BEFORE_THE_FLAG, DURING_THE_OUTAGE, ENRICHED } from './scenarios.ts';
import type { Row } from './table.ts';
import type { World } from './world.ts';

/** How long one step may take before the demo is given up, in milliseconds. */
const STEP_DEADLINE_MS = 25_000;

/** How often is looked, in milliseconds. */
const LOOK_EVERY_MS = 100;

/** How long leads wait, in milliseconds of this machine: until then what takes their place has to be there. */
const LEADS_WAIT_MS = 6000;

/** A step that did not come about: what follows would not either. */
class StepMissed extends Error {
  override readonly name = 'StepMissed';
}

/** Plays all scenarios in a world, and says what became of each. Nothing is asserted on the way: the table tells. */
export async function play(world: World, say: (line: string) => void): Promise<Row[]> {
  const leads = leadScenarios(Date.now(), Math.ceil((LEADS_WAIT_MS * world.timeScale) / 60_000));
  const all = [...ALL_SCENARIOS, ...Object.values<Scenario>(leads)];
  try {
    await playAll(world, leads, say);
    await settle(world, all);
  } catch (thrown) {
    if (!(thrown instanceof StepMissed)) throw thrown;
    say(`gave up: not within ${STEP_DEADLINE_MS / 1000} s: ${thrown.message}`);
  }
  return report(world, all);
}

async function playAll(world: World, leads: LeadScenarios, say: (line: string) => void): Promise<void> {
  say('flag off: everything goes out without learning time');
  await publish(world, BEFORE_THE_FLAG);
  await publishLeads(world, leads);
  await settle(world, [BEFORE_THE_FLAG.flagOff]);

  say('flag on, for everybody');
  world.switchFlag(true);
  await sleep(world.pollIntervalMs);
  await publish(world, ENRICHED);
  await settle(world, [ENRICHED.warehouse]);
  await publish(world, AFTER_THE_FIRST_ANSWER);
  await settle(world, Object.values(AFTER_THE_FIRST_ANSWER));

  await playOutage(world, say);
}

/** Those of two messages: the second one is for what waits, in the workflow and in the ledger. */
async function publishLeads(world: World, leads: LeadScenarios): Promise<void> {
  const scenarios = Object.values<Scenario>(leads);
  await world.publish(scenarios.flatMap(({ messages }) => messages.slice(0, 1)));
  await until('the first leads accepted', () => isQueueEmpty(world.platform, 'EventsQueueUrl'));
  await world.publish(scenarios.flatMap(({ messages }) => messages.slice(1)));
}

async function playOutage(world: World, say: (line: string) => void): Promise<void> {
  const { fallback, back, switchedOff } = DURING_THE_OUTAGE;
  say('warehouse down');
  world.warehouse.setMode('down');
  await world.publish(fallback.messages);
  await until('two retries at the warehouse', async () => (await retriesOf(world, fallback)) >= 2);
  await world.publish(back.messages);
  await settle(world, [fallback]);
  await until('a retry at the warehouse', async () => (await retriesOf(world, back)) >= 1);

  say('warehouse up again');
  world.warehouse.setMode('up');
  await settle(world, [back]);

  say('warehouse down once more, and the flag switched off meanwhile');
  world.warehouse.setMode('down');
  await world.publish(switchedOff.messages);
  await until('a retry at the warehouse', async () => (await retriesOf(world, switchedOff)) >= 1);
  world.switchFlag(false);
  await settle(world, [switchedOff]);
  world.warehouse.setMode('up');
}

async function publish(world: World, group: Readonly<Record<string, Scenario>>): Promise<void> {
  await world.publish(Object.values(group).flatMap(({ messages }) => messages));
}

async function retriesOf(world: World, { webhookIds }: Scenario): Promise<number> {
  const { enrichmentRetries } = await world.evidence(webhookIds);
  return Math.max(...enrichmentRetries.values());
}

async function settle(world: World, scenarios: readonly Scenario[]): Promise<void> {
  const names = scenarios.length > 5 ? 'every line as expected' : scenarios.map(({ name }) => name).join(', ');
  await until(names, async () => (await report(world, scenarios)).every(({ isExpected }) => isExpected));
}

/** @throws StepMissed */
async function until(what: string, isDone: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + STEP_DEADLINE_MS;
  while (!(await isDone())) {
    if (Date.now() > deadline) throw new StepMissed(what);
    await sleep(LOOK_EVERY_MS);
  }
}

async function report(world: World, scenarios: readonly Scenario[]): Promise<Row[]> {
  const evidence = await world.evidence(scenarios.flatMap(({ webhookIds }) => webhookIds));
  return scenarios.map((scenario) => {
    const outcome = observe(scenario, evidence);
    return {
      name: scenario.name,
      outcome,
      isExpected: isAsExpected(scenario, outcome),
      expected: scenario.expected,
    };
  });
}
