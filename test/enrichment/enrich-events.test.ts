import { describe, expect, test } from '@jest/globals';
import type { EnrichEventsServices } from '../../lambdas/enrichment/enrich-events.ts';
import { BATCH_WAREHOUSE_DEADLINE_MS, enrichEvents } from '../../lambdas/enrichment/enrich-events.ts';
import { SLOWEST_START_MS } from '../../lambdas/enrichment/start-workflows.ts';
import type { Delivery } from '../../lambdas/events/delivery.ts';
import { executionToken, webhookId } from '../../lambdas/events/identity.ts';
import { newRecord } from '../../lambdas/ledger/transitions.ts';
import type { IntegrationRegistry } from '../../lambdas/partners/integration-registry.ts';
import { WarehouseSkipped, WarehouseUnavailable } from '../../lambdas/shared/errors.ts';
import { METRICS } from '../../lambdas/shared/metric-definitions.ts';
import {
  type KeyFailure,
  type LearnerKey,
  type LearningTime,
  learnerKeyText,
} from '../../lambdas/warehouse/learning-time.ts';
import {
  brokenEntry,
  ENTERPRISE,
  eventBody,
  fakeCounter,
  fakeLog,
  flag,
  integration,
  LEARNER_DATA,
  NOW,
  OTHER_ENTERPRISE,
  PAYLOAD,
  registry,
  serviceError,
  TRACE,
} from '../support/factories.ts';
import { openLedger } from '../support/open-ledger.ts';

const FOUND: LearningTime = { found: true, totalSeconds: 18_540, lastDate: '2026-01-10' };
const ENRICHED = { status: 'enriched', total_seconds: 18_540, last_updated: '2026-01-10T00:00:00Z' };
/** Of the last complete warm run when the cache was read. */
const WARMED = '1768003200000000000';

const keyOf = (userId: string): LearnerKey => ({
  userId,
  courseId: PAYLOAD.course.course_id,
  enterpriseId: ENTERPRISE,
});
const completion = (userId: string, overrides: Record<string, unknown> = {}) => ({
  id: `completion of ${userId}`,
  body: eventBody({ user_id: userId, event_id: `event-${userId}`, ...overrides }),
});
const completions = (...users: readonly string[]) => users.map((user) => completion(user));
const enrollment = { id: 'enrollment', body: eventBody({ event_type: 'course_enrollment' }) };

/** Services that succeed, with some replaced, and their calls in order. */
function world({
  cached = {},
  found = {},
  known = [],
  ...changed
}: Partial<EnrichEventsServices> & {
  readonly cached?: Record<string, LearningTime>;
  /** The results of the warehouse by user, which otherwise has no data. */
  readonly found?: Record<string, LearningTime | KeyFailure>;
  /** Webhooks that have ended, or that a message or execution carries. */
  readonly known?: readonly string[];
} = {}) {
  const done: string[] = [];
  const forwarded = new Map<string, Delivery>();
  const started: Delivery[] = [];
  const queried: { users: string[]; deadlineMs: number }[] = [];
  const written: { learningTimes: ReadonlyMap<string, LearningTime>; ttlSeconds: number; warmed: unknown }[] = [];
  const deadLetters: { id: string; body: string; reason: string; integrationId?: string }[] = [];
  const accepted: (string | undefined)[] = [];
  const log = fakeLog();
  const counter = fakeCounter();
  const ledger = openLedger({
    async accept(subjects) {
      done.push('record');
      accepted.push(...subjects.map(({ accepted_at }) => accepted_at));
      const carried = subjects.filter(({ webhook_id }) => known.includes(webhook_id));
      return new Map(carried.map((one) => [one.webhook_id, { ...newRecord(one, NOW), state: 'scheduled' }]));
    },
  });
  const services: EnrichEventsServices = {
    flag: { read: async () => flag() },
    integrations: { read: async () => registry(integration(), integration({ id: 'paused', active: false })) },
    cache: {
      async read(keys) {
        done.push('read the cache');
        const hits = keys.flatMap((key) => {
          const hit = cached[key.userId];
          return hit === undefined ? [] : [[learnerKeyText(key), hit] as const];
        });
        return { hits: new Map(hits), warmed: WARMED };
      },
      async write(learningTimes, ttlSeconds, warmed) {
        written.push({ learningTimes, ttlSeconds, warmed });
      },
    },
    warehouse: {
      async query(keys, deadlineMs) {
        done.push('query');
        queried.push({ users: keys.map(({ userId }) => userId), deadlineMs });
        return new Map(keys.map((key) => [learnerKeyText(key), found[key.userId] ?? { found: false }]));
      },
    },
    workflow: {
      async start(delivery) {
        started.push(delivery);
        return { token: executionToken(delivery), isOwn: true };
      },
    },
    ledger,
    async forward(deliveries) {
      done.push(`forward ${[...deliveries.keys()].join(' and ')}`);
      for (const [id, delivery] of deliveries) forwarded.set(id, delivery);
      return new Set();
    },
    async deadLetter(messages) {
      deadLetters.push(...messages);
      return new Set();
    },
    log,
    counter,
    now: () => NOW,
    random: () => 0.5,
    remainingMs: () => 40_000,
    ...changed,
  };
  const enrichmentOf = (id: string) => forwarded.get(id)?.progress.enrichment;
  const calls = { done, forwarded, started, queried, written, deadLetters, accepted, noted: ledger.noted };
  return { services, enrichmentOf, log, counter, ...calls };
}

const failingWarehouse = (error: Error = new WarehouseUnavailable('the deadline passed')) => ({
  warehouse: { query: () => Promise.reject(error) },
});

describe('an event that needs no query', () => {
  test('is recorded, then forwarded, before the query for the others', async () => {
    const { services, done, accepted } = world({ cached: { 1: FOUND }, found: { 2: FOUND } });
    const unidentified = completion('3', { user_id: 'sample_learner', payload: {} });
    await enrichEvents([completion('2'), completion('1'), enrollment, unidentified], services);
    expect(done).toEqual([
      'read the cache',
      'record',
      'forward enrollment and completion of 3 and completion of 1',
      'query',
      'forward completion of 2',
    ]);
    expect(accepted).toEqual(Array(4).fill('2026-01-15T12:00:00.000Z'));
  });

  test('keeps the trace context of its message; an invalid one is ignored, and logged without its text', async () => {
    const { services, forwarded, log } = world();
    const carried = (stringValue: string) => ({ traceparent: { dataType: 'String', stringValue } });
    const odd = { ...completion('2'), id: 'odd', carried: carried('learner@example.com') };
    await enrichEvents([{ ...enrollment, carried: carried(TRACE.traceparent) }, odd], services);
    expect(forwarded.get('enrollment')?.traceparent).toBe(TRACE.traceparent);
    expect(forwarded.get('odd')).not.toHaveProperty('traceparent');
    expect(log.only('event.trace_ignored')).toEqual({ webhook_id: forwarded.get('odd')?.webhook_id });
  });

  test('has the cached result', async () => {
    const cached = { 1: FOUND, 2: { found: false }, 3: { ...FOUND, totalSeconds: 0 } } as const;
    const { services, enrichmentOf, queried } = world({ cached });
    expect((await enrichEvents(completions('1', '2', '3'), services)).size).toBe(0);
    expect(enrichmentOf('completion of 1')).toEqual({ ...ENRICHED, source: 'cache' });
    expect(enrichmentOf('completion of 2')).toEqual({ status: 'not_enriched', reason: 'no_data' });
    expect(enrichmentOf('completion of 3')).toEqual({ ...ENRICHED, total_seconds: 0, source: 'cache' });
    expect(queried).toEqual([]);
  });

  const pilots = (...ids: string[]) => flag({ rollout_percentage: 0, pilot_enterprises: ids });
  test.each([
    ['off', flag({ enabled: false }), 'off', false],
    ['on for other enterprises', pilots(OTHER_ENTERPRISE), 'beyond_percentage', false],
    ['unreadable', undefined, 'off', false],
    ['on for its pilot', pilots(ENTERPRISE), 'pilot', true],
    ['on for all', flag(), 'within_percentage', true],
  ])('if the flag is %s: the evaluation is counted', async (_state, read, result, isOn) => {
    const { services, enrichmentOf, queried, counter } = world({ flag: { read: async () => read } });
    await enrichEvents([completion('1'), enrollment], services);
    const reason = isOn ? 'no_data' : 'flag_off';
    expect(enrichmentOf('completion of 1')).toEqual({ status: 'not_enriched', reason });
    expect(enrichmentOf('enrollment')).toEqual({ status: 'not_enriched', reason: 'not_a_completion' });
    expect(queried).toHaveLength(isOn ? 1 : 0);
    const feature = 'webhook_learning_time_enrichment';
    expect(counter.counted).toEqual([[METRICS.featureEvaluated, { feature, result }]]);
  });

  test('has no learning time if the learner is not identified, with a warning that names the missing fields', async () => {
    const { services, enrichmentOf, log } = world();
    await enrichEvents([completion('1', { user_id: 'sample_learner' })], services);
    expect(enrichmentOf('completion of 1')).toEqual({ status: 'not_enriched', reason: 'learner_not_identified' });
    expect(log.only('event.learner_not_identified')).toMatchObject({ has_user_id: false, has_course_id: true });
  });
});

test('a copy of an event that has ended, or is carried already, is acknowledged without query or delivery', async () => {
  const known = [webhookId('acme', 'event-1'), webhookId('paused', 'event-3')];
  const { services, forwarded, queried, noted, counter, log } = world({ known });
  const filtered = completion('3', { integration_id: 'paused' });
  const failures = await enrichEvents([completion('1'), completion('2'), filtered], services);
  expect(failures.size).toBe(0);
  expect([...forwarded.keys()]).toEqual(['completion of 2']);
  expect(queried).toMatchObject([{ users: ['2'] }]);
  expect(noted).toEqual([]);
  expect(counter.counts[METRICS.eventDuplicate]).toBe(2);
  expect(log.messages().filter((line) => line === 'event.duplicate')).toHaveLength(2);
});

test('events that need a query share one, and their results are forwarded, cached and counted', async () => {
  const { services, queried, enrichmentOf, written, counter, log } = world({
    cached: { 0: FOUND },
    found: { 1: FOUND, 2: { ...FOUND, totalSeconds: 0 } },
    flag: { read: async () => flag({ cache_ttl_seconds: 300 }) },
  });
  await enrichEvents(completions('0', '1', '2', '3'), services);
  expect(queried).toEqual([{ users: ['1', '2', '3'], deadlineMs: BATCH_WAREHOUSE_DEADLINE_MS }]);
  expect(BATCH_WAREHOUSE_DEADLINE_MS).toBe(10_000);
  expect(enrichmentOf('completion of 1')).toEqual({ ...ENRICHED, source: 'warehouse' });
  expect(enrichmentOf('completion of 2')).toEqual({ ...ENRICHED, total_seconds: 0, source: 'warehouse' });
  expect(enrichmentOf('completion of 3')).toEqual({ status: 'not_enriched', reason: 'no_data' });
  const learningTimes = new Map<string, LearningTime>([
    [learnerKeyText(keyOf('1')), FOUND],
    [learnerKeyText(keyOf('2')), { ...FOUND, totalSeconds: 0 }],
    [learnerKeyText(keyOf('3')), { found: false }],
  ]);
  expect(written).toEqual([{ learningTimes, ttlSeconds: 300, warmed: WARMED }]);
  expect(counter.counts).toEqual({ [METRICS.cacheHit]: 1, [METRICS.cacheMiss]: 3, [METRICS.querySuccess]: 1 });
  expect(counter.measured).toEqual([[METRICS.queryDuration, 0]]);
  expect(log.only('events.enriched')).toEqual({
    ...{ messages: 4, ready: 1, scheduled: 0, asked: 3, failed: 0, config_version: 'all' },
    webhook_ids: ['0', '1', '2', '3'].map((id) => webhookId('acme', `event-${id}`)),
  });
});

describe('a query that fails', () => {
  test('sends each event to its own workflow, due 60 s later, which the ledger records', async () => {
    const { services, started, forwarded, written, counter, noted, log } = world({
      cached: { 3: FOUND },
      ...failingWarehouse(),
    });
    const failures = await enrichEvents([...completions('1', '2', '3'), enrollment], services);
    expect(failures.size).toBe(0);
    expect(started.map(({ event_id }) => event_id).toSorted()).toEqual(['event-1', 'event-2']);
    expect(started[0]?.progress).toEqual({
      enrichment: { status: 'pending', attempts: 1, first_failed_at: '2026-01-15T12:00:00.000Z' },
      config_version: 'all',
      attempt: 0,
      due_at: '2026-01-15T12:01:00.000Z',
    });
    expect([...forwarded.keys()].toSorted()).toEqual(['completion of 3', 'enrollment']);
    expect(written.flatMap(({ learningTimes }) => [...learningTimes])).toEqual([]);
    expect(counter.counts).toMatchObject({ [METRICS.queryFailure]: 1, [METRICS.taskQueued]: 2 });
    expect(counter.measured).toEqual([[METRICS.queryDuration, 0]]);
    expect(log.only('warehouse.failed')).toMatchObject({ events: 2, error: 'WarehouseUnavailable' });
    const settlement = { token: 'g0', progress: { outcome: 'retry', enrichment: { status: 'pending', attempts: 1 } } };
    expect(noted).toMatchObject(started.map(({ webhook_id }) => ({ webhookId: webhook_id, settlement })));
  });

  test('for one row, or omits a key, sends only that event to a workflow', async () => {
    const unreadable = { failed: true, reason: 'total seconds are not a number' } as const;
    const { services, started, enrichmentOf, written, log } = world({ found: { 1: FOUND, 2: unreadable } });
    await enrichEvents(completions('1', '2'), services);
    expect(started.map(({ event_id }) => event_id)).toEqual(['event-2']);
    expect(enrichmentOf('completion of 1')).toMatchObject(ENRICHED);
    expect(written.flatMap(({ learningTimes }) => [...learningTimes.keys()])).toEqual([learnerKeyText(keyOf('1'))]);
    expect(log.only('warehouse.row_unreadable')).toEqual({ events: 2, reason: unreadable.reason });
    const without = world({ warehouse: { query: async () => new Map() } });
    await enrichEvents(completions('1'), without.services);
    expect(without.started).toHaveLength(1);
  });

  test('because the circuit breaker is open is counted as skipped', async () => {
    const { services, started, counter, log } = world(failingWarehouse(new WarehouseSkipped('not queried')));
    await enrichEvents(completions('1', '2'), services);
    expect(started).toHaveLength(2);
    expect(counter.counts).toMatchObject({ [METRICS.querySkipped]: 1 });
    expect(counter.counts).not.toHaveProperty([METRICS.queryFailure]);
    expect(log.only('warehouse.skipped')).toEqual({ events: 2 });
  });

  test('leaves an event whose workflow does not start in the queue', async () => {
    const { services, log } = world({
      ...failingWarehouse(),
      workflow: {
        async start({ event_id }) {
          if (event_id === 'event-2') throw serviceError('ThrottlingException');
          return { token: 'g0', isOwn: true };
        },
      },
    });
    const failures = await enrichEvents(completions('1', '2', '3'), services);
    expect([...failures]).toEqual([['completion of 2', 'the workflow did not start: ThrottlingException']]);
    expect(log.only('workflow.start_failed')).toMatchObject({ error: 'ThrottlingException' });
  });

  test('leaves events in the queue, unrecorded, if no time is left to start their workflows', async () => {
    // The first start takes all remaining time.
    let left = SLOWEST_START_MS;
    const start = async () => {
      left -= 1;
      return { token: 'g0', isOwn: true };
    };
    const { services, noted } = world({ ...failingWarehouse(), remainingMs: () => left, workflow: { start } });
    const failures = await enrichEvents(completions('1', '2', '3'), services);
    expect([...failures.values()]).toEqual(Array(2).fill('no time left to start its workflow'));
    expect(left).toBe(SLOWEST_START_MS - 1);
    expect(noted).toHaveLength(1);
  });

  test('starts all workflows, at most forty in parallel', async () => {
    let running = 0;
    let most = 0;
    let count = 0;
    const start = async () => {
      running += 1;
      count += 1;
      most = Math.max(most, running);
      await new Promise(setImmediate);
      running -= 1;
      return { token: 'g0', isOwn: true };
    };
    const { services } = world({ ...failingWarehouse(), workflow: { start } });
    await enrichEvents(completions(...Array.from({ length: 100 }, (_, index) => String(index))), services);
    expect({ most, count }).toEqual({ most: 40, count: 100 });
  });
});

describe('an invalid message', () => {
  const bad = {
    id: 'bad',
    body: '{"payload":"learner@example.com"',
    carried: { tenant: { dataType: 'String', stringValue: 'acme' } },
    groupId: 'enterprise-1',
  };

  test('is dead-lettered unchanged with the reason, and does not affect the batch', async () => {
    const { services, deadLetters, forwarded, counter, log } = world({ cached: { 1: FOUND } });
    const unknown = completion('2', { integration_id: 'gone' });
    expect((await enrichEvents([bad, completion('1'), unknown], services)).size).toBe(0);
    expect(deadLetters).toMatchObject([
      { ...bad, reason: 'not JSON' },
      { id: unknown.id, body: unknown.body, reason: 'integration_id: no integration has this id' },
    ]);
    expect([...forwarded.keys()]).toEqual(['completion of 1']);
    expect(counter.counts).toMatchObject({ [METRICS.eventRejected]: 2 });
    expect(log.messages().filter((line) => line === 'event.rejected')).toHaveLength(2);
  });

  test('stays in the queue if the dead letter queue refuses it, uncounted', async () => {
    const { services, counter } = world({ deadLetter: async () => new Set(['bad']) });
    const failures = await enrichEvents([bad, enrollment], services);
    expect([...failures]).toEqual([['bad', 'the dead letter queue refused it']]);
    expect(counter.counts).not.toHaveProperty([METRICS.eventRejected]);
  });
});

describe('integrations', () => {
  test('filter an event: acknowledged, counted, logged, and recorded so that a replay looks up its learning time', async () => {
    const { services, forwarded, deadLetters, noted, counter, log } = world();
    expect((await enrichEvents([completion('1', { integration_id: 'paused' })], services)).size).toBe(0);
    expect(forwarded.size + deadLetters.length).toBe(0);
    expect(counter.counts).toMatchObject({ [METRICS.eventFiltered]: 1 });
    const reason = 'integration paused is not active';
    expect(log.only('event.filtered')).toEqual({ webhook_id: expect.any(String), integration_id: 'paused', reason });
    expect(noted).toMatchObject([
      { settlement: { progress: { outcome: 'filtered', reason, enrichment: { status: 'pending' } } } },
    ]);
  });

  test('that were never read keep every event in the queue', async () => {
    const { services, done, deadLetters, log } = world({ integrations: { read: async () => undefined } });
    const failures = await enrichEvents([completion('1'), { id: 'bad', body: '{' }], services);
    expect([...failures.keys()]).toEqual(['completion of 1', 'bad']);
    expect([done, deadLetters]).toEqual([[], []]);
    expect(log.only('events.held')).toEqual({ messages: 2, reason: 'the integrations were never read' });
  });

  test('with a broken entry keep only its events in the queue', async () => {
    const broken: IntegrationRegistry = { ...registry(integration()), broken: brokenEntry('broken') };
    const { services, forwarded, log } = world({ integrations: { read: async () => broken } });
    const held = completion('1', { integration_id: 'broken' });
    const failures = await enrichEvents([held, enrollment], services);
    expect([...failures.keys()]).toEqual([held.id]);
    expect([...forwarded.keys()]).toEqual(['enrollment']);
    expect(log.only('events.held')).toMatchObject({ reason: expect.stringContaining('integration broken') });
  });
});

test('deliveries that the queue refuses stay in the events queue', async () => {
  const { services } = world({
    cached: { 1: FOUND, 2: FOUND },
    found: { 3: FOUND, 4: FOUND },
    forward: async (deliveries) => new Set([...deliveries.keys()].slice(0, 1)),
  });
  const failures = await enrichEvents(completions('1', '2', '3', '4'), services);
  expect([...failures]).toEqual([
    ['completion of 1', 'the deliveries queue refused it'],
    ['completion of 3', 'the deliveries queue refused it'],
  ]);
});

test('the log of a batch with every case contains only ids of a learner', async () => {
  const { services, log } = world({
    cached: { 1: FOUND },
    found: { 2: FOUND, 3: { failed: true, reason: 'unreadable row' } },
    deadLetter: async () => new Set(['stuck']),
    forward: async (deliveries) => new Set([...deliveries.keys()].slice(0, 1)),
    workflow: { start: () => Promise.reject(new SyntaxError(`Unexpected token in ${LEARNER_DATA.join()}`)) },
  });
  const faulty = Object.keys(JSON.parse(eventBody())).map((field) => ({
    id: `faulty ${field}`,
    body: eventBody({ [field]: LEARNER_DATA[0] }),
  }));
  const cut = { id: 'stuck', body: eventBody().slice(0, -1) };
  const unidentified = completion('4', { user_id: LEARNER_DATA[0] });
  await enrichEvents([...completions('1', '2', '3'), unidentified, enrollment, cut, ...faulty], services);
  expect(log.lines.length).toBeGreaterThan(5);
  for (const data of LEARNER_DATA) expect(log.text()).not.toContain(data);
});
