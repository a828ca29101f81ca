import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { webhookId } from '../../lambdas/events/identity.ts';
import { LISTED_AFTER_MS, LISTED_AGAIN_MS } from '../../lambdas/ledger/open-entry.ts';
import type { ReconcileReport } from '../../lambdas/ledger/reconciliation.ts';
import { isFinal, isFirstClaim } from '../../lambdas/ledger/transitions.ts';
import { type Going, MINUTE, type Partner, quiet, SECOND, SimulatedPipeline } from '../support/simulated-pipeline.ts';
import { Calls } from '../support/unanswered-calls.ts';

/**
 * Histories of the pipeline's own functions: events are accepted, with the table or without, delivered, scheduled, parked, dead-lettered, redriven and
 * replayed, and messages and executions vanish. The reconciler runs every hour, or late, and any run may be cut.
 */

const HOUR = 60 * MINUTE;

const WHAT = ['publish', 'publish', 'take', 'take_down', 'work', 'work', 'hide', 'replay', 'redrive', 'pause'] as const;

interface Step {
  /** `take_down`: events are accepted while the table is down, so that they are not in it. */
  readonly what: (typeof WHAT)[number];
  readonly pick: number;
  readonly partner: Partner;
  readonly isFailing: boolean;
  readonly minutes: number;
  /** How the run after the step is cut, if there is one: out of time, or killed, after so many looks at the clock, or calls. */
  readonly cut: { readonly by: 'time' | 'kill' | 'nothing'; readonly after: number };
}

const steps = fc.array(
  fc.record<Step>({
    what: fc.constantFrom(...WHAT),
    pick: fc.nat(30),
    partner: fc.constantFrom<Partner>('ok', 'ok', 'busy', 'refuses'),
    isFailing: fc.boolean(),
    minutes: fc.constantFrom(0, 0, 1, 10, 30, 65, 250),
    cut: fc.record({ by: fc.constantFrom('nothing', 'nothing', 'time', 'kill'), after: fc.nat(40) }),
  }),
  { minLength: 5, maxLength: 60, size: 'max' },
);

/** What the script has come to: the number of runs that were complete, and what was wrong. */
interface Played {
  readonly complete: number;
  readonly faults: readonly string[];
}

async function play(script: readonly Step[]): Promise<Played> {
  const isTableUp = script.every(({ what }) => what !== 'take_down');
  const pipeline = new SimulatedPipeline();
  const faults: string[] = [];
  let complete = 0;
  let ranAtMs = pipeline.nowMs;
  let isCut = false;
  const listed = watchLists(pipeline);
  for (const step of [...script, ...Array<Step>(3).fill(LAST)]) {
    await happen(step, pipeline);
    pipeline.nowMs += step.minutes * MINUTE;
    if (pipeline.nowMs - ranAtMs < HOUR) continue;
    // Then both kinds of runs see the same deliveries.
    pipeline.nowMs += LISTED_AFTER_MS + 1;
    ranAtMs = pipeline.nowMs;
    const full = await pipeline.reconcile(quiet(), undefined, { days: 31, dry_run: true });
    const report = await cutRun(step.cut, pipeline);
    isCut ||= report?.is_complete !== true;
    if (report?.is_complete !== true) continue;
    complete += 1;
    faults.push(...differences(report, full as ReconcileReport, isTableUp), ...(await unlisted(pipeline)));
  }
  if (!isCut)
    for (const [id, times] of listed) if (times > 1) faults.push(`${id} is closed, and was listed ${times} times`);
  return { complete, faults: [...pipeline.faults, ...faults] };
}

const LAST: Step = {
  what: 'work',
  pick: 0,
  partner: 'ok',
  isFailing: false,
  minutes: 65,
  cut: { by: 'nothing', after: 0 },
};

async function happen({ what, pick, partner, isFailing }: Step, pipeline: SimulatedPipeline): Promise<void> {
  const going = (): Going => ({ partner, limiter: isFailing ? 'failing' : 'open', calls: new Calls() });
  const waiting = [...pipeline.executions.values()].filter(({ state }) => state === 'waits');
  if (what === 'publish') pipeline.put(pipeline.events, eventOf(pick, pipeline.nowMs));
  if (what === 'take') await pipeline.takeEvents(going(), 10);
  if (what === 'take_down') await pipeline.takeEvents({ ...going(), calls: tableDown() }, 10);
  if (what === 'work') await work(pipeline, going);
  if (what === 'hide') {
    const execution = waiting[pick % waiting.length];
    if (pipeline.deliveries.length > 0) pipeline.deliveries.splice(pick % pipeline.deliveries.length, 1);
    else if (execution !== undefined) execution.state = 'closed';
  }
  if (what === 'replay') await pipeline.replay(webhookId('acme', `event-${pick}`), quiet());
  const deadLetter = pipeline.deadLetters[pick % pipeline.deadLetters.length];
  if (what === 'redrive' && deadLetter !== undefined) pipeline.put(pipeline.deliveries, JSON.stringify(deadLetter));
  if (what === 'pause') pipeline.isPaused = !pipeline.isPaused;
}

function tableDown(): Calls {
  return new Calls(Array(1_000).fill('unmade'), [], true);
}

/** Everything that is due now is done. */
async function work(pipeline: SimulatedPipeline, going: () => Going): Promise<void> {
  for (let round = 0; round < 50; round += 1) {
    await pipeline.takeEvents(going(), 10);
    await pipeline.deliver(going(), 10);
    await pipeline.settle(going(), 10);
    const [due] = pipeline.due();
    if (due !== undefined) await pipeline.wake(due, going());
    else if ((pipeline.nextMs() ?? Infinity) > pipeline.nowMs) return;
  }
}

function eventOf(pick: number, nowMs: number): string {
  const common = { schema_version: 1, integration_id: 'acme', event_id: `event-${pick}` };
  const occurred_at = new Date(nowMs).toISOString();
  if (pick % 3 > 0) {
    const who = { user_id: '42', course_id: 'course-v1:Org+Course+Run' };
    const enterprise_customer_uuid = '7d2c1b3a-0000-4000-8000-000000000001';
    const event_type = pick % 3 === 1 ? 'course_enrollment' : 'course_completion';
    return JSON.stringify({ ...common, event_type, occurred_at, ...who, enterprise_customer_uuid, payload: { pick } });
  }
  const payload = {
    user_id: 1 + (pick % 5),
    lead_type: 'calculated',
    priority: 'high',
    timestamp: '2026-01-15T12:00:00Z',
  };
  return JSON.stringify({ ...common, event_type: 'lead', occurred_at, payload, delay_minutes: 20 * pick });
}

function cutRun({ by, after }: Step['cut'], pipeline: SimulatedPipeline): Promise<ReconcileReport | undefined> {
  let looks = 0;
  const ends = by === 'kill' ? [...Array(after).fill('done'), 'killed_before'] : [];
  return pipeline.reconcile({ ...quiet(), calls: new Calls(ends) }, () => {
    looks += 1;
    return by === 'time' && looks > after ? 0 : 900 * SECOND;
  });
}

/**
 * What an incremental run has not found, and a list of everything does. If the table was always up, both find the same: the list
 * does not find first claims of events that the table did not take.
 */
function differences(report: ReconcileReport, full: ReconcileReport, isExact: boolean): string[] {
  const open = ({ states: { scheduled, parked }, in_flight, unbalanced }: ReconcileReport) =>
    JSON.stringify({ scheduled, parked, in_flight, unbalanced });
  const found = new Set(report.stuck.map(({ webhook_id }) => webhook_id));
  const missed = full.stuck.filter(({ webhook_id }) => !found.has(webhook_id)).map(({ webhook_id }) => webhook_id);
  const faults = missed.map((id) => `${id} is stuck, and was not found`);
  if (isExact && open(report) !== open(full)) faults.push(`counted ${open(report)} and not ${open(full)}`);
  return faults;
}

/**
 * Open deliveries that the next run would not find. A day without an entry in the directory is found by no run: only events that
 * the table did not take were accepted then.
 */
async function unlisted({ table, progress }: SimulatedPipeline): Promise<string[]> {
  const until = new Date(progress.stored.current?.listedUntilMs ?? 0).toISOString();
  const open = new Set(table.allOpen().map(({ webhook_id }) => webhook_id));
  const days = new Set((await table.days({ from: '2000-01-01', until })).map(({ day }) => day));
  return table
    .all()
    .filter((record) => !isFinal(record) && !isFirstClaim(record) && record.accepted_at <= until)
    .filter(({ webhook_id, accepted_at }) => !open.has(webhook_id) && days.has(accepted_at.slice(0, 10)))
    .map(({ webhook_id, state }) => `${webhook_id} is ${state}, and not in the list of open deliveries`);
}

/** How often each delivery was listed as closed, by its id, beyond the time that two runs share. */
function watchLists({ table }: SimulatedPipeline): ReadonlyMap<string, number> {
  const times = new Map<string, number>();
  const { listPart } = table;
  table.listPart = async function* (day, span) {
    for await (const entry of listPart(day, span)) {
      const isClosed = entry.kind === 'record' && isFinal(entry);
      const isShared = Date.parse(entry.accepted_at) - Date.parse(span.from) <= LISTED_AGAIN_MS;
      if (isClosed && !isShared) times.set(entry.webhook_id, (times.get(entry.webhook_id) ?? 0) + 1);
      yield entry;
    }
  };
  return times;
}

test('every open delivery is found by the next run, whichever run before was cut, and no closed one is listed twice', async () => {
  let complete = 0;
  await fc.assert(
    fc.asyncProperty(steps, fc.boolean(), async (all, isTableUp) => {
      const script = isTableUp ? all.filter(({ what }) => what !== 'take_down') : all;
      const played = await play(script);
      complete += played.complete;
      expect(played.faults).toEqual([]);
    }),
    { numRuns: 300 },
  );
  // The histories are long enough to mean something.
  expect(complete).toBeGreaterThan(1_000);
}, 120_000);
