import { NotReached } from '../clock/clock.ts';
import { isAsExpected, observe } from './observe.ts';
import { output } from './operator.ts';
import { ENTERPRISE } from './sample-events.ts';
import type { Scenario } from './scenario.ts';
import {
  AFTER_THE_FIRST_ANSWER,
  ALL_SCENARIOS,
  BEFORE_THE_FLAG,
  DURING_THE_OUTAGE,
  ENRICHED,
  type LeadScenarios,
  leadScenarios,
  WARMED,
} from './scenarios.ts';
import { BREAKER_OUTAGE_MS, BY_SCHEDULE, PAUSE_MS } from './schedule-scenarios.ts';
import type { Session } from './session.ts';
import type { Row } from './table.ts';

/** Runs all scenarios in a session and reports the outcome of each. It asserts nothing: the table shows what happened. */
export async function play(session: Session, say: (line: string) => void): Promise<Row[]> {
  const leads = leadScenarios(Date.now());
  const all = [...ALL_SCENARIOS, ...Object.values<Scenario>(leads)];
  try {
    await playAll(session, leads, say);
    await playSchedules(session, say);
    await settle(session, all);
  } catch (thrown) {
    if (!(thrown instanceof NotReached)) throw thrown;
    say(`gave up: ${thrown.message}`);
  }
  return report(session, all);
}

async function playAll(session: Session, leads: LeadScenarios, say: (line: string) => void): Promise<void> {
  say('flag off: everything goes out without learning time');
  await publish(session, BEFORE_THE_FLAG);
  await publishLeads(session, leads);
  await settle(session, [BEFORE_THE_FLAG.flagOff]);

  say('flag on, for all enterprises');
  session.switchFlag(true);
  await session.skipPollInterval();
  await publish(session, ENRICHED);
  await settle(session, [ENRICHED.warehouse]);
  await publish(session, AFTER_THE_FIRST_ANSWER);
  await settle(session, Object.values(AFTER_THE_FIRST_ANSWER));

  await playWarmCache(session, say);
  await playOutage(session, say);
}

/** Scenarios with two messages: the second is published when the first is scheduled, in the workflow and in the ledger. */
async function publishLeads(session: Session, leads: LeadScenarios): Promise<void> {
  const scenarios = Object.values<Scenario>(leads);
  await session.publish(scenarios.flatMap(({ messages }) => messages.slice(0, 1)));
  const events = output(session.platform, 'EventsQueueUrl');
  await session.until('the first leads accepted', () => session.platform.queues.messages(events).length === 0);
  await session.publish(scenarios.flatMap(({ messages }) => messages.slice(1)));
}

/** A pilot's enterprise is known without an event, so its learners are loaded. */
async function playWarmCache(session: Session, say: (line: string) => void): Promise<void> {
  say('the enterprise becomes a pilot: WarmCache loads its learners within 15 minutes');
  session.switchFlag(true, [ENTERPRISE]);
  await session.until('a complete warm run', async () => {
    const { logs } = await session.evidence([]);
    return logs.some(({ message, result }) => message === 'warming.ran' && result === 'complete');
  });
  session.warehouse.setMode('down');
  await publish(session, WARMED);
  await settle(session, [WARMED.warmed]);
  session.warehouse.setMode('up');
  // Otherwise its runs during the outage would be errors in the demo's output.
  session.switchFlag(true);
  await session.skipPollInterval();
}

async function playOutage(session: Session, say: (line: string) => void): Promise<void> {
  const { fallback, back, switchedOff } = DURING_THE_OUTAGE;
  say('warehouse down');
  session.warehouse.setMode('down');
  await session.publish(fallback.messages);
  await session.until('two retries at the warehouse', async () => (await retriesOf(session, fallback)) >= 2);
  await session.publish(back.messages);
  await settle(session, [fallback]);
  await session.until('a retry at the warehouse', async () => (await retriesOf(session, back)) >= 1);

  say('warehouse up again');
  session.warehouse.setMode('up');
  await settle(session, [back]);

  say('warehouse down once more, and the flag switched off meanwhile');
  session.warehouse.setMode('down');
  await session.publish(switchedOff.messages);
  await session.until('a retry at the warehouse', async () => (await retriesOf(session, switchedOff)) >= 1);
  session.switchFlag(false);
  await settle(session, [switchedOff]);
  session.warehouse.setMode('up');
}

async function playSchedules(session: Session, say: (line: string) => void): Promise<void> {
  await session.skip(BREAKER_OUTAGE_MS);
  say('the partner that failed is up again');
  session.partner.setBehaviour('/partner-recovering', 200);
  await settle(session, [BY_SCHEDULE.recovering]);
  await session.skip(PAUSE_MS);
  say('the paused integration is resumed');
  session.resume('partner-paused');
  await settle(session, [BY_SCHEDULE.paused]);
  say('the clock goes on to the end of every retry and timer');
}

async function publish(session: Session, group: Readonly<Record<string, Scenario>>): Promise<void> {
  await session.publish(Object.values(group).flatMap(({ messages }) => messages));
}

async function retriesOf(session: Session, { webhookIds }: Scenario): Promise<number> {
  const { enrichmentRetries } = await session.evidence(webhookIds);
  return Math.max(...enrichmentRetries.values());
}

async function settle(session: Session, scenarios: readonly Scenario[]): Promise<void> {
  const names = scenarios.length > 5 ? 'every line as expected' : scenarios.map(({ name }) => name).join(', ');
  await session.until(names, async () => (await report(session, scenarios)).every(({ isExpected }) => isExpected));
}

async function report(session: Session, scenarios: readonly Scenario[]): Promise<Row[]> {
  const evidence = await session.evidence(scenarios.flatMap(({ webhookIds }) => webhookIds));
  return scenarios.map((scenario) => {
    const { name, expected } = scenario;
    const outcome = observe(scenario, evidence);
    const isExpected = isAsExpected(scenario, outcome);
    // The output must not depend on timing: two events of one learner share a query, or the second is a cache hit.
    return { name, expected, isExpected, outcome: isExpected ? expected : outcome };
  });
}
