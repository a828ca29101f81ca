import { describe, expect, test } from '@jest/globals';
import type { EnrichEventsServices } from '../../lambdas/enrichment/enrich-events.ts';
import { BATCH_WAREHOUSE_DEADLINE_MS, enrichEvents } from '../../lambdas/enrichment/enrich-events.ts';
import { SLOWEST_START_MS } from '../../lambdas/enrichment/start-workflows.ts';
import type { Delivery, DeliverySubject } from '../../lambdas/events/delivery.ts';
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
} from '../support/factories.ts';
import { openLedger } from '../support/open-ledger.ts';

const FOUND: LearningTime = { found: true, totalSeconds: 18_540, lastDate: '2026-01-10' };
const NOTHING: LearningTime = { found: false };
const ENRICHED = { status: 'enriched', total_seconds: 18_540, last_updated: '2026-01-10T00:00:00Z' };

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

interface World {
  readonly cached?: Record<string, LearningTime>;
  readonly answers?: Record<string, LearningTime | KeyFailure>;
  /** Webhooks that have ended, or that a message or execution carries. */
  readonly known?: ReadonlySet<string>;
  readonly services?: Partial<EnrichEventsServices>;
}

/** Services that succeed, and a list of their calls, in order. */
function world({ cached = {}, answers = {}, known = new Set(), services = {} }: World = {}) {
  const done: string[] = [];
  const forwarded = new Map<string, Delivery>();
  const started: Delivery[] = [];
  const asked: { users: string[]; deadlineMs: number }[] = [];
  const written: { answers: ReadonlyMap<string, LearningTime>; ttlSeconds: number }[] = [];
  const deadLetters: { id: string; body: string; reason: string; integrationId?: string }[] = [];
  const log = fakeLog();
  const counter = fakeCounter();
  const ledger = openLedger({
    async accept(subjects) {
      done.push('write them down');
      accepted.push(...subjects);
      const carried = subjects.filter(({ webhook_id }) => known.has(webhook_id));
      return new Map(carried.map((one) => [one.webhook_id, { ...newRecord(one, NOW), state: 'scheduled' }]));
    },
  });
  const accepted: DeliverySubject[] = [];
  const all: EnrichEventsServices = {
    flag: { read: async () => flag() },
    integrations: { read: async () => registry(integration(), integration({ id: 'paused', active: false })) },
    cache: {
      async read(keys) {
        done.push('read the cache');
        const hits = keys.flatMap((key): [string, LearningTime][] => {
          const hit = cached[key.userId];
          return hit === undefined ? [] : [[learnerKeyText(key), hit]];
        });
        return new Map(hits);
      },
      async write(answers, ttlSeconds) {
        written.push({ answers, ttlSeconds });
      },
    },
    warehouse: {
      async query(keys, deadlineMs) {
        done.push('ask the warehouse');
        asked.push({ users: keys.map(({ userId }) => userId), deadlineMs });
        return new Map(keys.map((key) => [learnerKeyText(key), answers[key.userId] ?? NOTHING]));
      },
    },
    workflow: {
      async start(delivery) {
        done.push('start the workflow');
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
    ...services,
  };
  const enrichmentOf = (id: string) => forwarded.get(id)?.progress.enrichment;
  const ledgerCalls = { accepted, noted: ledger.noted };
  return {
    services: all,
    done,
    forwarded,
    enrichmentOf,
    started,
    asked,
    written,
    deadLetters,
    log,
    counter,
    ...ledgerCalls,
  };
}

const warehouseDown = {
  async query(): Promise<never> {
    throw new WarehouseUnavailable('the deadline passed');
  },
};

describe('an event that needs no query', () => {
  test('is forwarded before the query for the others', async () => {
    const { services, done } = world({ cached: { 1: FOUND }, answers: { 2: FOUND } });
    const unidentified = completion('3', { user_id: 'sample_learner', payload: {} });
    await enrichEvents([completion('2'), completion('1'), enrollment, unidentified], services);
    expect(done).toEqual([
      'read the cache',
      'write them down',
      'forward enrollment and completion of 3 and completion of 1',
      'ask the warehouse',
      'forward completion of 2',
    ]);
  });

  test('is sent with the cached result', async () => {
    const { services, enrichmentOf, asked } = world({
      cached: { 1: FOUND, 2: NOTHING, 3: { ...FOUND, totalSeconds: 0 } },
    });
    expect((await enrichEvents(completions('1', '2', '3'), services)).size).toBe(0);
    expect(enrichmentOf('completion of 1')).toEqual({ ...ENRICHED, source: 'cache' });
    expect(enrichmentOf('completion of 2')).toEqual({ status: 'not_enriched', reason: 'no_data' });
    expect(enrichmentOf('completion of 3')).toEqual({ ...ENRICHED, total_seconds: 0, source: 'cache' });
    expect(asked).toEqual([]);
  });

  const pilots = (...ids: string[]) => flag({ rollout_percentage: 0, pilot_enterprises: ids });
  test.each([
    ['off', flag({ enabled: false }), ['off'], false],
    ['on for no enterprise', pilots(), ['beyond_percentage'], false],
    ['on for others', pilots(OTHER_ENTERPRISE), ['beyond_percentage'], false],
    ['unreadable', undefined, ['off'], false],
    ['on for its pilot', pilots(ENTERPRISE), ['pilot'], true],
    ['on for all', flag(), ['within_percentage'], true],
  ])(
    'where the flag is %s, that is counted, and only then is the warehouse asked',
    async (_state, said, results, isOn) => {
      const { services, enrichmentOf, asked, counter } = world({ services: { flag: { read: async () => said } } });
      await enrichEvents([completion('1'), enrollment], services);
      const reason = isOn ? 'no_data' : 'flag_off';
      expect(enrichmentOf('completion of 1')).toEqual({ status: 'not_enriched', reason });
      expect(asked).toHaveLength(isOn ? 1 : 0);
      const feature = 'webhook_learning_time_enrichment';
      expect(counter.counted).toEqual(results.map((result) => [METRICS.featureEvaluated, { feature, result }]));
    },
  );

  test('is plain where it is an enrollment', async () => {
    const { services, enrichmentOf, asked } = world();
    await enrichEvents([enrollment], services);
    expect(enrichmentOf('enrollment')).toEqual({ status: 'not_enriched', reason: 'not_a_completion' });
    expect(asked).toEqual([]);
  });

  test('has no learning time if the learner is not identified, with one warning that names the missing fields', async () => {
    const { services, enrichmentOf, log } = world();
    await enrichEvents([completion('1', { user_id: 'sample_learner' })], services);
    expect(enrichmentOf('completion of 1')).toEqual({ status: 'not_enriched', reason: 'learner_not_identified' });
    expect(log.only('event.learner_not_identified')).toMatchObject({ has_user_id: false, has_course_id: true });
  });
});

describe('calls of the ledger', () => {
  test('every event is recorded before anything is forwarded, with its acceptance time', async () => {
    const { services, done, accepted } = world({ cached: { 1: FOUND } });
    await enrichEvents([completion('1'), completion('2'), enrollment], services);
    expect(done.indexOf('write them down')).toBeLessThan(done.findIndex((what) => what.startsWith('forward')));
    expect(accepted.map(({ event_id }) => event_id)).toContain('event-2');
    expect(accepted).toHaveLength(3);
    expect(new Set(accepted.map(({ accepted_at }) => accepted_at))).toEqual(new Set(['2026-01-15T12:00:00.000Z']));
  });

  test('nothing is recorded for a message that is redelivered because no time was left to start its workflow', async () => {
    // The first start takes all remaining time.
    let left = SLOWEST_START_MS;
    const { services, noted, started } = world({ services: { warehouse: warehouseDown, remainingMs: () => left } });
    const start: typeof services.workflow.start = (delivery) => {
      left -= 1;
      return services.workflow.start(delivery);
    };
    const batch = completions('1', '2', '3');
    const failures = await enrichEvents(batch, { ...services, workflow: { start } });
    expect([...failures.values()]).toEqual(Array(2).fill('no time left to start its workflow'));
    expect(started).toHaveLength(1);
    expect(noted).toHaveLength(1);
  });

  test('an event that retries in a workflow is recorded with its execution’s token', async () => {
    const { services, noted } = world({ services: { warehouse: warehouseDown } });
    await enrichEvents(completions('1'), services);
    expect(noted).toMatchObject([
      {
        webhookId: webhookId('acme', 'event-1'),
        settlement: { token: 'g0', progress: { outcome: 'retry', enrichment: { status: 'pending', attempts: 1 } } },
      },
    ]);
  });
});

describe('a copy of an event that has ended, or is carried already', () => {
  test('is acknowledged, without query or delivery', async () => {
    const known = new Set([webhookId('acme', 'event-1'), webhookId('paused', 'event-3')]);
    const { services, forwarded, asked, noted, counter, log } = world({ known });
    const filtered = completion('3', { integration_id: 'paused' });
    const failures = await enrichEvents([completion('1'), completion('2'), filtered], services);
    expect(failures.size).toBe(0);
    expect([...forwarded.keys()]).toEqual(['completion of 2']);
    expect(asked).toMatchObject([{ users: ['2'] }]);
    expect(noted).toEqual([]);
    expect(counter.counts[METRICS.eventDuplicate]).toBe(2);
    expect(log.messages().filter((line) => line === 'event.duplicate')).toHaveLength(2);
  });
});

describe('the events that need a query', () => {
  test('share one query with the deadline of a batch, and are sent with its results: a sum, a true 0, no data', async () => {
    const answers = { 1: FOUND, 2: { ...FOUND, totalSeconds: 0 }, 3: NOTHING };
    const { services, asked, enrichmentOf } = world({ answers });
    await enrichEvents(completions('1', '2', '3'), services);
    expect(asked).toEqual([{ users: ['1', '2', '3'], deadlineMs: BATCH_WAREHOUSE_DEADLINE_MS }]);
    expect(BATCH_WAREHOUSE_DEADLINE_MS).toBe(10_000);
    expect(enrichmentOf('completion of 1')).toEqual({ ...ENRICHED, source: 'warehouse' });
    expect(enrichmentOf('completion of 2')).toEqual({ ...ENRICHED, total_seconds: 0, source: 'warehouse' });
    expect(enrichmentOf('completion of 3')).toEqual({ status: 'not_enriched', reason: 'no_data' });
  });

  test('cache their results for the flag’s time, no data too', async () => {
    const { services, written } = world({
      answers: { 1: FOUND },
      services: { flag: { read: async () => flag({ cache_ttl_seconds: 300 }) } },
    });
    await enrichEvents(completions('1', '2'), services);
    expect(written).toEqual([
      {
        answers: new Map<string, LearningTime>([
          [learnerKeyText(keyOf('1')), FOUND],
          [learnerKeyText(keyOf('2')), NOTHING],
        ]),
        ttlSeconds: 300,
      },
    ]);
  });

  test('are two webhooks if two events are of one learner and course', async () => {
    const { services, forwarded } = world({ answers: { 1: FOUND } });
    const retake = { ...completion('1', { event_id: 'retake' }), id: 'retake' };
    await enrichEvents([completion('1'), retake], services);
    expect(forwarded.get('retake')?.webhook_id).not.toBe(forwarded.get('completion of 1')?.webhook_id);
    expect(forwarded.get('retake')?.progress.enrichment).toMatchObject(ENRICHED);
  });

  test('are counted as hits, misses and one query', async () => {
    const { services, counter } = world({ cached: { 1: FOUND } });
    await enrichEvents(completions('1', '2', '3'), services);
    expect(counter.counts).toEqual({ [METRICS.cacheHit]: 1, [METRICS.cacheMiss]: 2, [METRICS.querySuccess]: 1 });
    expect(counter.measured).toEqual([[METRICS.queryDuration, 0]]);
  });
});

describe('a warehouse that fails', () => {
  test('sends each event to its own workflow, due 60 s later, and neither caches nor forwards it', async () => {
    const { services, started, forwarded, written, counter, log } = world({
      cached: { 3: FOUND },
      services: { warehouse: warehouseDown },
    });
    expect((await enrichEvents([completion('1'), completion('2'), completion('3'), enrollment], services)).size).toBe(
      0,
    );
    expect(started.map(({ event_id }) => event_id).toSorted()).toEqual(['event-1', 'event-2']);
    expect(started[0]?.progress).toEqual({
      enrichment: { status: 'pending', attempts: 1, first_failed_at: '2026-01-15T12:00:00.000Z' },
      config_version: 'all',
      attempt: 0,
      due_at: '2026-01-15T12:01:00.000Z',
    });
    expect([...forwarded.keys()].toSorted()).toEqual(['completion of 3', 'enrollment']);
    expect(written.flatMap(({ answers }) => [...answers])).toEqual([]);
    expect(counter.counts).toMatchObject({ [METRICS.queryFailure]: 1, [METRICS.taskQueued]: 2 });
    expect(counter.measured).toEqual([[METRICS.queryDuration, 0]]);
    expect(log.only('warehouse.failed')).toMatchObject({ events: 2, error: 'WarehouseUnavailable' });
  });

  test('for one row, sends only that event to a workflow, and caches nothing of it', async () => {
    const { services, started, enrichmentOf, written, log } = world({
      answers: { 1: FOUND, 2: { failed: true, reason: 'total seconds are not a number' } },
    });
    await enrichEvents(completions('1', '2'), services);
    expect(started.map(({ event_id }) => event_id)).toEqual(['event-2']);
    expect(enrichmentOf('completion of 1')).toMatchObject(ENRICHED);
    expect(written.flatMap(({ answers }) => [...answers.keys()])).toEqual([learnerKeyText(keyOf('1'))]);
    expect(log.only('warehouse.row_unreadable')).toEqual({ events: 2, reason: 'total seconds are not a number' });
  });

  test('with an open circuit breaker does the same, counted as skipped and not as a failed query', async () => {
    const query = async () => {
      throw new WarehouseSkipped('not asked');
    };
    const { services, started, counter, log } = world({ services: { warehouse: { query } } });
    await enrichEvents(completions('1', '2'), services);
    expect(started).toHaveLength(2);
    expect(counter.counts).toMatchObject({ [METRICS.querySkipped]: 1 });
    expect(counter.counts).not.toHaveProperty([METRICS.queryFailure]);
    expect(log.only('warehouse.skipped')).toEqual({ events: 2 });
  });

  test('by omitting a key, sends that event to a workflow', async () => {
    const { services, started } = world({ services: { warehouse: { query: async () => new Map() } } });
    await enrichEvents(completions('1'), services);
    expect(started).toHaveLength(1);
  });

  test('and a workflow that does not start leave only that event in the queue', async () => {
    const { services, log } = world({
      services: {
        warehouse: warehouseDown,
        workflow: {
          async start({ event_id }) {
            if (event_id === 'event-2') throw serviceError('ThrottlingException');
            return { token: 'g0', isOwn: true };
          },
        },
      },
    });
    const failures = await enrichEvents(completions('1', '2', '3'), services);
    expect([...failures]).toEqual([['completion of 2', 'the workflow did not start: ThrottlingException']]);
    expect(log.only('workflow.start_failed')).toMatchObject({ error: 'ThrottlingException' });
  });

  test('starts all workflows, at most forty in parallel', async () => {
    let running = 0;
    let most = 0;
    let count = 0;
    const start = async () => {
      running += 1;
      count += 1;
      most = Math.max(most, running);
      await new Promise((resolve) => setImmediate(resolve));
      running -= 1;
      return { token: 'g0', isOwn: true };
    };
    const { services } = world({ services: { warehouse: warehouseDown, workflow: { start } } });
    await enrichEvents(
      Array.from({ length: 100 }, (_, index) => completion(String(index))),
      services,
    );
    expect({ most, count }).toEqual({ most: 40, count: 100 });
  });
});

describe('a message that is no event', () => {
  const bad = {
    id: 'bad',
    body: '{"payload":"learner@example.com"',
    carried: { tenant: { dataType: 'String', stringValue: 'acme' } },
    groupId: 'enterprise-1',
  };

  test('is dead-lettered with the reason and its own body, and does not affect the batch', async () => {
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
    const { services, counter } = world({ services: { deadLetter: async () => new Set(['bad']) } });
    const failures = await enrichEvents([bad, enrollment], services);
    expect([...failures]).toEqual([['bad', 'the dead letter queue refused it']]);
    expect(counter.counts).not.toHaveProperty([METRICS.eventRejected]);
  });
});

describe('integrations', () => {
  test('that filter an event have it acknowledged, counted and logged; a replay would look up its learning time', async () => {
    const { services, forwarded, deadLetters, noted, counter, log } = world();
    expect((await enrichEvents([completion('1', { integration_id: 'paused' })], services)).size).toBe(0);
    expect(forwarded.size + deadLetters.length).toBe(0);
    expect(counter.counts).toMatchObject({ [METRICS.eventFiltered]: 1 });
    const reason = 'integration paused is not active';
    expect(log.only('event.filtered')).toEqual({
      webhook_id: expect.any(String),
      integration_id: 'paused',
      reason,
    });
    expect(noted).toMatchObject([
      { settlement: { progress: { outcome: 'filtered', reason, enrichment: { status: 'pending' } } } },
    ]);
  });

  test('that were never read keep every event in the queue, and nothing is sent anywhere', async () => {
    const { services, done, deadLetters, log } = world({ services: { integrations: { read: async () => undefined } } });
    const failures = await enrichEvents([completion('1'), { id: 'bad', body: '{' }], services);
    expect([...failures.keys()]).toEqual(['completion of 1', 'bad']);
    expect([done, deadLetters]).toEqual([[], []]);
    expect(log.only('events.held')).toEqual({ messages: 2, reason: 'the integrations were never read' });
  });

  test('whose entry is broken keep their own events in the queue, and no other', async () => {
    const broken: IntegrationRegistry = { ...registry(integration()), broken: brokenEntry('broken') };
    const { services, forwarded, log } = world({ services: { integrations: { read: async () => broken } } });
    const held = completion('1', { integration_id: 'broken' });
    const failures = await enrichEvents([held, enrollment], services);
    expect([...failures.keys()]).toEqual([held.id]);
    expect([...forwarded.keys()]).toEqual(['enrollment']);
    expect(log.only('events.held')).toMatchObject({
      messages: 1,
      reason: expect.stringContaining('integration broken'),
    });
  });
});

describe('a deliveries queue that refuses some messages', () => {
  test('leaves only those in the events queue', async () => {
    const refusing = async (deliveries: ReadonlyMap<string, Delivery>) =>
      new Set([...deliveries.keys()].filter((id) => ['completion of 1', 'completion of 3'].includes(id)));
    const { services } = world({
      cached: { 1: FOUND, 2: FOUND },
      answers: { 3: FOUND, 4: FOUND },
      services: { forward: refusing },
    });
    const failures = await enrichEvents(completions('1', '2', '3', '4'), services);
    expect([...failures]).toEqual([
      ['completion of 1', 'the deliveries queue refused it'],
      ['completion of 3', 'the deliveries queue refused it'],
    ]);
  });
});

describe('what is logged', () => {
  test('of a batch with every case contains only ids of a learner', async () => {
    const { services, log } = world({
      cached: { 1: FOUND },
      answers: { 2: FOUND, 3: { failed: true, reason: 'unreadable row' } },
      services: {
        deadLetter: async () => new Set(['stuck']),
        forward: async (deliveries) => new Set([...deliveries.keys()].slice(0, 1)),
        workflow: {
          async start() {
            throw new SyntaxError(`Unexpected token in ${LEARNER_DATA.join()}`);
          },
        },
      },
    });
    const faulty = Object.keys(JSON.parse(eventBody())).map((field) => ({
      id: `faulty ${field}`,
      body: eventBody({ [field]: LEARNER_DATA[0] }),
    }));
    const cut = { id: 'stuck', body: eventBody().slice(0, -1) };
    const unidentified = completion('4', { user_id: LEARNER_DATA[0] });
    await enrichEvents(
      [completion('1'), completion('2'), completion('3'), unidentified, enrollment, cut, ...faulty],
      services,
    );
    expect(log.lines.length).toBeGreaterThan(5);
    for (const data of LEARNER_DATA) expect(log.text()).not.toContain(data);
  });

  test('is one line for the batch', async () => {
    const { services, log } = world({ cached: { 1: FOUND } });
    await enrichEvents(completions('1', '2'), services);
    expect(log.only('events.enriched')).toEqual({
      messages: 2,
      ready: 1,
      timed: 0,
      asked: 1,
      failed: 0,
      config_version: 'all',
      webhook_ids: ['1', '2'].map((id) => webhookId('acme', `event-${id}`)),
    });
  });
});
