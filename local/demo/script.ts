import { NotReached } from '../clock/clock.ts';
import { isAsExpected, observe } from './observe.ts';
import { output } from './operator.ts';
import type { Scenario } from './scenario.ts';
import {
  AFTER_THE_FIRST_ANSWER,
  ALL_SCENARIOS,
  BEFORE_THE_FLAG,
  DURING_THE_OUTAGE,
  ENRICHED,
  type LeadScenarios,
  leadScenarios,
} from './scenarios.ts';
import { BREAKER_OUTAGE_MS, BY_SCHEDULE, PAUSE_MS } from './schedule-scenarios.ts';
import type { Row } from './table.ts';
import type { World } from './world.ts';

/** Runs all scenarios in a world and reports the outcome of each. It asserts nothing: the table shows what happened. */
export async function play(world: World, say: (line: string) => void): Promise<Row[]> {
  const leads = leadScenarios(Date.now());
  const all = [...ALL_SCENARIOS, ...Object.values<Scenario>(leads)];
  try {
    await playAll(world, leads, say);
    await playSchedules(world, say);
    await settle(world, all);
  } catch (thrown) {
    if (!(thrown instanceof NotReached)) throw thrown;
    say(`gave up: ${thrown.message}`);
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
  await world.skipPollInterval();
  await publish(world, ENRICHED);
  await settle(world, [ENRICHED.warehouse]);
  await publish(world, AFTER_THE_FIRST_ANSWER);
  await settle(world, Object.values(AFTER_THE_FIRST_ANSWER));

  await playOutage(world, say);
}

/** Those of two messages: the second one is for an event that is scheduled, in the workflow and in the ledger. */
async function publishLeads(world: World, leads: LeadScenarios): Promise<void> {
  const scenarios = Object.values<Scenario>(leads);
  await world.publish(scenarios.flatMap(({ messages }) => messages.slice(0, 1)));
  const events = output(world.platform, 'EventsQueueUrl');
  await world.until('the first leads accepted', () => world.platform.queues.messages(events).length === 0);
  await world.publish(scenarios.flatMap(({ messages }) => messages.slice(1)));
}

async function playOutage(world: World, say: (line: string) => void): Promise<void> {
  const { fallback, back, switchedOff } = DURING_THE_OUTAGE;
  say('warehouse down');
  world.warehouse.setMode('down');
  await world.publish(fallback.messages);
  await world.until('two retries at the warehouse', async () => (await retriesOf(world, fallback)) >= 2);
  await world.publish(back.messages);
  await settle(world, [fallback]);
  await world.until('a retry at the warehouse', async () => (await retriesOf(world, back)) >= 1);

  say('warehouse up again');
  world.warehouse.setMode('up');
  await settle(world, [back]);

  say('warehouse down once more, and the flag switched off meanwhile');
  world.warehouse.setMode('down');
  await world.publish(switchedOff.messages);
  await world.until('a retry at the warehouse', async () => (await retriesOf(world, switchedOff)) >= 1);
  world.switchFlag(false);
  await settle(world, [switchedOff]);
  world.warehouse.setMode('up');
}

async function playSchedules(world: World, say: (line: string) => void): Promise<void> {
  await world.skip(BREAKER_OUTAGE_MS);
  say('the partner that failed is up again');
  world.partner.setBehaviour('/partner-recovering', 200);
  await settle(world, [BY_SCHEDULE.recovering]);
  await world.skip(PAUSE_MS);
  say('the paused integration is resumed');
  world.resume('partner-paused');
  await settle(world, [BY_SCHEDULE.paused]);
  say('the clock goes on to the end of every retry and timer');
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
  await world.until(names, async () => (await report(world, scenarios)).every(({ isExpected }) => isExpected));
}

async function report(world: World, scenarios: readonly Scenario[]): Promise<Row[]> {
  const evidence = await world.evidence(scenarios.flatMap(({ webhookIds }) => webhookIds));
  return scenarios.map((scenario) => {
    const { name, expected } = scenario;
    const outcome = observe(scenario, evidence);
    const isExpected = isAsExpected(scenario, outcome);
    // Every run prints the same: two events for one learner share a query, or the second finds the first one's answer.
    return { name, expected, isExpected, outcome: isExpected ? expected : outcome };
  });
}
