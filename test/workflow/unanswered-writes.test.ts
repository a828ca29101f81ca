import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { webhookId } from '../../lambdas/events/identity.ts';
import { NOW } from '../support/factories.ts';
import {
  type Going,
  type LimiterStatus,
  MINUTE,
  type Partner,
  quiet,
  SECOND,
  SimulatedPipeline,
  STUCK_AFTER_MS,
} from '../support/simulated-pipeline.ts';
import { type CallEnd, Calls, callEnds } from '../support/unanswered-calls.ts';

/** The published events: completion, enrollment, and leads of one user. Calculated leads have a delay, and may be moved. */
const EVENTS = ['completion', 'enrollment', 'hot', 'calculated-a', 'calculated-b'] as const;
type EventId = (typeof EVENTS)[number];
const isCalculated = (id: EventId) => id.startsWith('calculated');

const OFTEN = ['take', 'deliver', 'wake', 'settle'] as const;
const SOMETIMES = ['publish', 'pass', 'next'] as const;
const SELDOM = ['copy', 'abort', 'rescue', 'redrive', 'replay', 'reconcile', 'pause'] as const;

/** When Lambda ends a function, in seconds; an operator's command has no limit. */
const TIMEOUT_SECONDS: Partial<Record<Step['what'], number>> = {
  ...{ take: 40, deliver: 39, wake: 330, settle: 60, rescue: 60, reconcile: 900 },
};

/** One thing that happens, if it can. */
interface Step {
  readonly what: (typeof OFTEN)[number] | (typeof SOMETIMES)[number] | (typeof SELDOM)[number];
  readonly event: EventId;
  readonly delayMinutes: number;
  readonly pick: number;
  readonly seconds: number;
  readonly ends: readonly CallEnd[];
  readonly turnsLate: readonly number[];
  readonly partner: Partner;
  readonly limiter: LimiterStatus;
  /** Whether it happens at the same time as the next one. */
  readonly isWithNext: boolean;
}

const stepParts = {
  what: fc.oneof(
    { weight: 6, arbitrary: fc.constantFrom(...OFTEN) },
    { weight: 4, arbitrary: fc.constantFrom(...SOMETIMES) },
    { weight: 2, arbitrary: fc.constantFrom(...SELDOM) },
  ),
  event: fc.constantFrom(...EVENTS),
  delayMinutes: fc.constantFrom(0, 1, 5, 60, 300),
  pick: fc.nat(7),
  seconds: fc.constantFrom(1, 45, 181, 2000, 3600),
  ends: callEnds(10),
  turnsLate: fc.array(fc.nat(4), { maxLength: 5 }),
  partner: fc.constantFrom<Partner>('ok', 'ok', 'cut', 'busy', 'refuses'),
  limiter: fc.constantFrom<LimiterStatus>('open', 'open', 'open', 'limited', 'slow', 'failing'),
  isWithNext: fc.boolean(),
};
const steps = fc.array(fc.record<Step>(stepParts), { minLength: 1, maxLength: 30, size: 'max' });

interface Publication {
  readonly id: EventId;
  readonly occurredMs: number;
  /** When it is due; 0 if immediately. */
  readonly dueMs: number;
  readonly body: string;
}

const webhookOf = (id: EventId) => webhookId('acme', id);

interface Circumstances {
  /** Whether only calls of the table fail: then nothing may be repeated. */
  readonly isTableOnly?: boolean;
  /** Whether the reconciler looks for what is stuck once the script is over. */
  readonly hasReconciler?: boolean;
}

/** Runs the script, and then, with every call responding, all that remains. */
async function play(script: readonly Step[], { isTableOnly = false, hasReconciler = true }: Circumstances = {}) {
  const pipeline = new SimulatedPipeline();
  const published: Publication[] = [];
  const replayed = new Set<string>();
  const running: Promise<void>[] = [];
  const invocations: { readonly calls: Calls; readonly endMs: number }[] = [];
  const first = { ...script[0], what: 'publish', isWithNext: false } as Step;
  for (const step of isTableOnly ? script : [first, ...script]) {
    running.push(happen(step));
    if (step.isWithNext && !['pass', 'next'].includes(step.what)) continue;
    await Promise.all(running.splice(0));
  }
  await Promise.all(running);
  await calmDown(pipeline, hasReconciler);
  return { pipeline, published, replayed, callsMade: invocations.slice(1).map(({ calls }) => calls.made) };

  async function happen({ what, pick, event, seconds, ...step }: Step): Promise<void> {
    const chosen = <T>(list: readonly T[]): T | undefined => list[pick % list.length];
    const going: Going = { ...step, calls: new Calls(step.ends, step.turnsLate, isTableOnly) };
    invocations.push({ calls: going.calls, endMs: pipeline.nowMs + (TIMEOUT_SECONDS[what] ?? Infinity) * SECOND });
    const execution = chosen(
      [...pipeline.executions.values()].filter(({ state }) => state === 'waits' || state === 'runs'),
    );
    const aborted = chosen([...pipeline.executions.values()].filter(({ state }) => state === 'failed'));
    const due = chosen(pipeline.due());
    const copied = chosen([...pipeline.events, ...pipeline.deliveries, ...pipeline.outcomes]);
    if (what === 'take') await pipeline.takeEvents(going);
    if (what === 'deliver') await pipeline.deliver(going);
    if (what === 'wake' && due !== undefined) await pipeline.wake(due, going);
    if (what === 'settle') await pipeline.settle(going);
    if (what === 'pass') await pass(seconds, step.turnsLate);
    if (what === 'next') pipeline.nowMs = Math.max(pipeline.nowMs, pipeline.nextMs() ?? 0);
    if (what === 'publish') publish(event, step.delayMinutes);
    if (what === 'copy' && copied) pipeline.put(queueOf(copied), copied.body);
    if (what === 'abort' && execution !== undefined && execution.delivery.progress.outcome !== 'dead') {
      execution.state = 'failed';
    }
    if (what === 'rescue' && aborted !== undefined) await pipeline.rescue(aborted, going);
    if (what === 'redrive' && pipeline.deadLetters.length > 0) {
      pipeline.put(pipeline.deliveries, JSON.stringify(chosen(pipeline.deadLetters)));
    }
    if (what === 'replay') {
      replayed.add(webhookOf(event));
      await pipeline.replay(webhookOf(event), going);
    }
    if (what === 'reconcile') await pipeline.reconcile(going);
    if (what === 'pause') pipeline.isPaused = !pipeline.isPaused;
  }

  /** Lets time pass while functions run; Lambda kills those whose time is over. */
  async function pass(seconds: number, turnsLate: readonly number[]): Promise<void> {
    for (let turns = turnsLate.reduce((sum, count) => sum + count, 0); turns > 0; turns -= 1) {
      await new Promise(setImmediate);
    }
    pipeline.nowMs += seconds * SECOND;
    for (const { calls, endMs } of invocations) if (endMs <= pipeline.nowMs) calls.isKilled = true;
  }

  function queueOf(message: (typeof pipeline.events)[number]): typeof pipeline.events {
    const queues = [pipeline.events, pipeline.deliveries, pipeline.outcomes];
    return queues.find((queue) => queue.includes(message)) as typeof pipeline.events;
  }

  function publish(id: EventId, delayMinutes: number): void {
    const occurredMs = pipeline.nowMs;
    const dueMs = isCalculated(id) ? occurredMs + delayMinutes * MINUTE : 0;
    const occurred_at = new Date(occurredMs).toISOString();
    const common = { schema_version: 1, integration_id: 'acme', event_id: id, occurred_at };
    const leadType = isCalculated(id) ? 'calculated' : 'hot';
    const payload = { user_id: 7, lead_type: leadType, priority: 'high', timestamp: '2026-01-15T12:00:00Z' };
    const body = JSON.stringify(
      id === 'completion' || id === 'enrollment'
        ? {
            ...{ ...common, event_type: `course_${id}`, user_id: '42', course_id: 'course-v1:Org+Course+Run' },
            ...{ enterprise_customer_uuid: '7d2c1b3a-0000-4000-8000-000000000001', payload: { id } },
          }
        : {
            ...{ ...common, event_type: 'lead', payload },
            ...(isCalculated(id) && { delay_minutes: delayMinutes }),
          },
    );
    published.push({ id, occurredMs, dueMs, body });
    pipeline.put(pipeline.events, body);
  }
}

/** More rounds than any script needs until nothing waits. */
const MOST_ROUNDS = 600;

async function calmDown(pipeline: SimulatedPipeline, hasReconciler: boolean): Promise<void> {
  pipeline.isPaused = false;
  let reconciled = 0;
  for (let round = 0; round < MOST_ROUNDS; round += 1) {
    for (const execution of pipeline.executions.values()) {
      if (execution.state === 'failed') await pipeline.rescue(execution, quiet());
    }
    await pipeline.takeEvents(quiet());
    await pipeline.deliver(quiet());
    await pipeline.settle(quiet());
    const [due] = pipeline.due();
    if (due !== undefined) {
      await pipeline.wake(due, quiet());
      continue;
    }
    const nextMs = pipeline.nextMs();
    if (nextMs !== undefined) pipeline.nowMs = Math.max(pipeline.nowMs, nextMs);
    else if (reconciled === 4 || !hasReconciler) return;
    else {
      reconciled += 1;
      // The bound doubles with each time that it was sent again.
      pipeline.nowMs += STUCK_AFTER_MS * 2 ** reconciled;
      await pipeline.reconcile(quiet());
    }
  }
  pipeline.faults.push('something waits for ever');
}

async function faultsOf(
  script: readonly Step[],
  sentWithinMinutes = Infinity,
  circumstances: Circumstances = {},
): Promise<readonly string[]> {
  const { pipeline, published, replayed } = await play(script, circumstances);
  const faults = [...pipeline.faults];
  const records = new Map(pipeline.table.all().map((record) => [record.webhook_id, record]));
  const idOf = new Map(EVENTS.map((id) => [webhookOf(id), id]));

  for (const id of new Set(published.map((one) => one.id))) {
    const webhook = webhookOf(id);
    const record = records.get(webhook);
    const state = record?.state;
    const taken = pipeline.sent.filter(({ webhookId }) => webhookId === webhook).length;
    const deadLetters = pipeline.deadLetters.filter(({ webhook_id }) => webhook_id === webhook);
    const hasDeadLetter = deadLetters.length > 0;
    const firstMs = Math.min(...published.filter((one) => one.id === id).map(({ occurredMs }) => occurredMs));
    const isReplaceable =
      isCalculated(id) &&
      published.some((one) => one.id !== id && one.body.includes('lead_type') && one.occurredMs >= firstMs);
    if (taken === 0 && !hasDeadLetter && !isReplaceable) faults.push(`${id} is lost: ${state}`);
    if (taken === 0 && state === 'delivered') faults.push(`${id} is delivered, and was never accepted`);
    const hasLaterDeadLetter = deadLetters.some((deadLetter) => deadLetter.generation > (record?.generation ?? 0));
    if (state === 'dead' && !hasLaterDeadLetter)
      faults.push(`${id} is dead, and no dead-letter message of a later generation says so`);
    const hasEnded = hasDeadLetter || state === undefined || ['delivered', 'dead', 'cancelled'].includes(state);
    if (!hasEnded) faults.push(`${id} stays ${state}`);
    const allowed = circumstances.isTableOnly ? 1 : 1 + (pipeline.repeats.get(webhook) ?? 0);
    if (taken > allowed) faults.push(`${id} was accepted ${taken} times and not ${allowed}`);
  }

  for (const { webhookId: webhook, atMs, isKnowing } of pipeline.sent) {
    const id = idOf.get(webhook) as EventId;
    if (!isCalculated(id) || !isKnowing || replayed.has(webhook)) continue;
    const own = published.filter((one) => one.id === id);
    // A later publication that was acknowledged before an earlier one was due has moved it.
    const movedAtMs = ({ body }: Publication) =>
      Math.min(...pipeline.acknowledged.filter((one) => one.body === body).map((one) => one.atMs));
    const isTimeOf = (one: Publication) =>
      one.dueMs <= atMs && own.every((later) => later.occurredMs <= one.occurredMs || movedAtMs(later) >= one.dueMs);
    if (!own.some(isTimeOf)) faults.push(`${id} was sent early, at ${(atMs - NOW) / SECOND} s`);
  }
  const firstMs = Math.min(...pipeline.sent.map(({ atMs }) => atMs - NOW));
  if (firstMs > sentWithinMinutes * MINUTE) faults.push(`it was sent after ${firstMs / MINUTE} minutes`);
  return faults.length === 0 ? [] : [...faults, ...history(pipeline)];
}

function history({ log }: SimulatedPipeline): readonly string[] {
  const dull = ['events.enriched', 'timers.counted', 'ledger.reconciled'];
  return log.lines.flatMap(({ message, fields }) =>
    dull.includes(message) ? [] : [`${message} ${JSON.stringify(fields)}`],
  );
}

/**
 * Every call of every function may end without a response, made or not, or with the function killed; messages come twice,
 * executions are aborted, operators replay and redrive, the partner refuses, and the reconciler runs. Afterwards nothing
 * is lost, nothing was sent early, and the partner took a webhook once: and once more for each invocation that was killed
 * or did not reach the ledger, for each response that was lost on the way from it, and for each replay.
 */
test('with any lost responses and killed functions, nothing is lost, early, or repeated more than documented', async () => {
  await fc.assert(
    fc.asyncProperty(steps, async (script) => expect(await faultsOf(script)).toEqual([])),
    { numRuns: 1_000 },
  );
}, 120_000);

/** Without a limiter: a copy sent in another way than its killed predecessor may meet an execution that has ended. */
test('with any killed functions, nothing waits for the reconciler', async () => {
  const kills = fc.array(fc.constantFrom<CallEnd>('done', 'done', 'done', 'killed_before', 'killed_after'), {
    maxLength: 10,
  });
  const step = fc.record<Step>({
    ...stepParts,
    what: fc.constantFrom(...OFTEN, ...SOMETIMES, 'copy', 'redrive'),
    event: fc.constantFrom('completion', 'enrollment', 'hot'),
    ends: kills,
    partner: fc.constantFrom('ok', 'busy', 'refuses'),
    limiter: fc.constant('open'),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 30, size: 'max' }), async (script) =>
      expect(await faultsOf(script, Infinity, { hasReconciler: false })).toEqual([]),
    ),
    { numRuns: 500 },
  );
});

const QUIET_STEP: Step = {
  ...{
    what: 'take',
    event: 'enrollment',
    delayMinutes: 0,
    pick: 0,
    seconds: 0,
    ends: [],
    turnsLate: [],
    isWithNext: false,
  },
  ...{ partner: 'ok', limiter: 'open' },
};
type PlannedStep = Partial<Step> & Pick<Step, 'what'>;
const TAKE: PlannedStep = { what: 'take' };
const DELIVER: PlannedStep = { what: 'deliver' };
const NEXT: PlannedStep = { what: 'next' };
const WAKE: PlannedStep = { what: 'wake' };
const RECONCILE: PlannedStep = { what: 'reconcile' };
const KILLED: Partial<Step> = { ends: ['killed_before'] };
const FAILING: Partial<Step> = { limiter: 'failing' };
/** The write of the outcome has no response, and was not made. */
const unrecorded = (callsBefore: number): Partial<Step> => ({
  ends: [...Array<CallEnd>(callsBefore).fill('done'), 'unmade'],
});
const A_LEAD: Partial<Step> = { event: 'calculated-a', delayMinutes: 300 };
const MOVED: readonly PlannedStep[] = [
  { what: 'pass', seconds: 1 },
  { what: 'publish', event: 'calculated-a', delayMinutes: 60 },
];

/**
 * How things go without a fault, and within how many minutes the partner takes it whichever call fails: before the
 * reconciler would find it. The first step also publishes its event.
 */
const SCENARIOS: Readonly<Record<string, readonly [readonly PlannedStep[], number?]>> = {
  'delivered from the queue': [[TAKE, DELIVER], 10],
  'refused from the queue': [[TAKE, { ...DELIVER, partner: 'refuses' }]],
  'delivered by the workflow': [[TAKE, { ...DELIVER, partner: 'busy' }, NEXT, WAKE], 15],
  'refused by the workflow': [[TAKE, { ...DELIVER, partner: 'busy' }, NEXT, { ...WAKE, partner: 'refuses' }]],
  'attempted by the workflow again': [
    [{ ...TAKE, event: 'completion' }, NEXT, { ...WAKE, partner: 'busy' }, NEXT, WAKE],
  ],
  'over the rate limit': [[TAKE, { ...DELIVER, limiter: 'limited' }, NEXT, DELIVER], 10],
  slow: [[TAKE, { ...DELIVER, limiter: 'slow' }, NEXT, WAKE], 10],
  'parked and released': [
    [
      ...[TAKE, { ...DELIVER, ...FAILING }],
      ...Array.from({ length: 6 }, () => [NEXT, { ...WAKE, ...FAILING }]).flat(),
      ...[RECONCILE, DELIVER],
    ],
  ],
  'rescued and redriven': [
    [
      ...[{ ...TAKE, event: 'completion' }, { what: 'abort' }, { what: 'rescue' }, NEXT, WAKE],
      ...[{ what: 'redrive' }, DELIVER, NEXT, WAKE],
    ] as const,
  ],
  replayed: [[TAKE, DELIVER, { what: 'replay' }, DELIVER], 10],
  'stuck and sent again': [[TAKE, { ...DELIVER, ...KILLED }, { what: 'pass', seconds: 2000 }, RECONCILE, DELIVER]],
  'a lead that waits': [[{ ...TAKE, ...A_LEAD }, NEXT, WAKE], 310],
  'a lead that fails and waits again': [
    [{ ...TAKE, ...A_LEAD }, NEXT, { ...WAKE, partner: 'refuses' }, NEXT, { ...WAKE, partner: 'refuses' }],
  ],
  'a lead that is moved': [[{ ...TAKE, ...A_LEAD }, ...MOVED, TAKE, NEXT, WAKE, NEXT, WAKE], 120],
  'a lead that is replaced': [[{ ...TAKE, ...A_LEAD }, { what: 'publish', event: 'hot' }, TAKE, DELIVER, NEXT, WAKE]],
  'a lead that is moved, and then sent again by the reconciler': [
    [
      ...[
        { ...TAKE, ...A_LEAD, ...unrecorded(5) },
        ...MOVED,
        { ...TAKE, ...unrecorded(7) },
        { what: 'pass', seconds: 2000 } as const,
      ],
      ...[RECONCILE, DELIVER, NEXT, WAKE, NEXT, WAKE],
    ],
    120,
  ],
  'a lead that is moved after the reconciler has sent it again': [
    [
      ...[{ ...TAKE, ...A_LEAD, ...unrecorded(5) }, { what: 'pass', seconds: 2000 } as const, RECONCILE, DELIVER],
      ...[...MOVED, TAKE, NEXT, WAKE, NEXT, WAKE],
    ],
    160,
  ],
};

test.each(Object.entries(SCENARIOS))(
  '%s: any call may fail in any way',
  async (_, [steps, within]) => {
    const script = steps.map((step) => ({ ...QUIET_STEP, ...step }));
    expect(await faultsOf(script, within)).toEqual([]);
    const { callsMade } = await play(script);
    const wrong: object[] = [];
    for (const [at, step] of script.entries()) {
      for (let call = 0; call < (callsMade[at] ?? 0); call += 1) {
        for (const end of ['repeated', 'unanswered', 'unmade', 'killed_before', 'killed_after'] as const) {
          const ends = [...Array.from({ length: call }, (_, before) => step.ends[before] ?? 'done'), end];
          const faults = await faultsOf(script.with(at, { ...step, ends }), within);
          if (faults.length > 0) wrong.push({ at, what: step.what, call, end, faults });
        }
      }
    }
    expect(wrong).toEqual([]);
  },
  60_000,
);

const TABLE_ENDS = ['done', 'repeated', 'unanswered', 'unmade'] as const satisfies readonly CallEnd[];
const CALM = ['take', 'deliver', 'wake', 'settle', 'pass', 'next', 'reconcile', 'pause'] as const;

/**
 * Events that are published once, and nothing but the ledger's table in trouble, for as long as it may be: whatever it took
 * without a response, and whatever it did not take, outcomes are settled from their queue, and the reconciler repeats
 * none of them.
 */
test('during and after failures of the table, the partner accepts each webhook once', async () => {
  const trouble = fc.array(fc.constantFrom<CallEnd>(...TABLE_ENDS), { maxLength: 10 });
  const scripts = fc
    .tuple(
      fc.uniqueArray(fc.constantFrom(...EVENTS), { minLength: 1, maxLength: 3 }),
      fc.array(
        fc.record<Step>({
          ...stepParts,
          what: fc.constantFrom(...CALM),
          ends: trouble,
          partner: fc.constantFrom('ok', 'busy', 'refuses'),
        }),
        { minLength: 1, maxLength: 30, size: 'max' },
      ),
    )
    .map(([events, others]) => [
      ...events.map((event): Step => ({ ...(others[0] as Step), what: 'publish', event, isWithNext: false })),
      ...others,
    ]);
  await fc.assert(
    fc.asyncProperty(scripts, async (script) =>
      expect(await faultsOf(script, Infinity, { isTableOnly: true })).toEqual([]),
    ),
    { numRuns: 250 },
  );
});
