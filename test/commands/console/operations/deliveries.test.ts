import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { Operation } from '../../../../commands/console/operation.ts';
import {
  estimateDeliverySearch,
  findDeliveries,
  listDeliveries,
  listLedgerIntegrations,
  searchDeliveries,
} from '../../../../commands/console/operations/deliveries.ts';
import {
  readDelivery,
  readPayload,
  readPhases,
  readResponse,
} from '../../../../commands/console/operations/delivery.ts';
import type { PageProgress } from '../../../../commands/ledger/page-deliveries.ts';
import { runProgram } from '../../../../commands/main.ts';
import { webhookId } from '../../../../lambdas/events/identity.ts';
import { type FrontServer, startFrontServer } from '../../../support/front-server.ts';
import {
  DEAD,
  DELIVERED,
  type LedgerOperator,
  PARKED,
  SCHEDULED,
  startLedgerOperator,
} from '../../ledger/ledger-operator.ts';

const GROUPS = {
  logGroups: [{ logGroupName: 'LearningTimeWebhooks-local-DeliveryDeliverBatchLogs' }, { logGroupName: 'other' }],
};

let operator: LedgerOperator;
/** Lines that CloudWatch Logs has. */
let lines: string[] = [];
let logs: FrontServer;
const events = () => ({ events: lines.map((message) => ({ message })) });
const ids: Record<'dead' | 'delivered' | 'parked' | 'scheduled' | 'accepted', string> = {
  ...{ dead: '', delivered: '', parked: '', scheduled: '', accepted: '' },
};

async function call<I, O, P>(
  called: Operation<I, O, P>,
  input: unknown,
  report: (progress: P) => void = () => {},
): Promise<O> {
  const { world } = operator;
  const stage = await world.context.openStage('local');
  return called.run(called.input.parse(input), {
    ...{ stage, context: world.context, runProgram, signal: new AbortController().signal },
    now: () => world.nowMs,
    report: async (progress) => report(progress),
  });
}

beforeAll(async () => {
  logs = await startFrontServer('http://127.0.0.1:1');
  logs.decide(({ operation }) => ({ status: 200, answer: operation === 'DescribeLogGroups' ? GROUPS : events() }));
  operator = await startLedgerOperator({ endpoints: { AWS_ENDPOINT_URL_CLOUDWATCH_LOGS: logs.endpoint } });
  operator.at(30);
  ids.dead = await operator.delivery({ event_id: 'dead' }, { ...DEAD, responseStart: 'not here' });
  operator.at(20);
  ids.delivered = await operator.delivery({ event_id: 'delivered', integration_id: 'other' }, DELIVERED);
  operator.at(3);
  ids.parked = await operator.delivery({ event_id: 'parked', course_id: 'course-v1:Another+Course+Run' }, PARKED);
  operator.at(2);
  ids.scheduled = await operator.delivery({ event_id: 'scheduled' }, SCHEDULED);
  operator.at(1);
  ids.accepted = (await operator.accept({ event_id: 'accepted', user_id: '4711' })).webhook_id;
  operator.at(0);
});
beforeEach(() => {
  lines = [];
});
afterAll(async () => {
  await operator.close();
  await logs.close();
});

const idsOf = ({ deliveries }: { readonly deliveries: readonly { readonly webhook_id: string }[] }) =>
  deliveries.map(({ webhook_id }) => webhook_id);

describe('the list of deliveries', () => {
  test('has them of all days, integrations and states, newest first, and what it cost', async () => {
    const page = await call(listDeliveries, {});
    expect(idsOf(page)).toEqual([ids.accepted, ids.scheduled, ids.parked, ids.delivered, ids.dead]);
    expect(page.rowsRead).toBeGreaterThanOrEqual(5);
    expect(page.costUsd).toBeGreaterThan(0);
  });

  test.each([
    [{ state: 'dead' }, ['dead']],
    [{ state: 'accepted' }, ['accepted']],
    [{ integrationId: 'other' }, ['delivered']],
    [{ text: '404' }, ['dead']],
    [{ since: '10h', until: '2h' }, ['scheduled', 'parked']],
  ] as const)('with %j has only those', async (input, names) => {
    expect(idsOf(await call(listDeliveries, input))).toEqual(names.map((name) => ids[name]));
  });

  test('reports what it has found before it ends', async () => {
    const reports: PageProgress[] = [];
    await call(listDeliveries, { state: 'dead' }, (progress) => void reports.push(progress));
    expect(reports.flatMap(({ added }) => added.map(({ webhook_id }) => webhook_id))).toEqual([ids.dead]);
    const [last] = reports.toReversed();
    expect(idsOf(await call(listDeliveries, { cursor: last?.cursor }))).toEqual([]);
  });

  test.each([
    [{ cursor: 'x' }, 'this is no cursor'],
    [{ state: 'lost' }, 'there is no state lost: it is one of accepted'],
    [{ since: 'then' }, 'accepted since: it must be 30m'],
    [{ integrationId: 'a b' }, 'this is no id of an integration: a b'],
    [{ since: '1h', until: '2h' }, '--until 2h is before 1h'],
  ])('refuses %j for an operator to read', async (input, message) => {
    await expect(call(listDeliveries, input)).rejects.toMatchObject({
      name: 'CommandFailed',
      message: expect.stringContaining(message),
    });
  });
});

describe('a delivery is found', () => {
  test.each([
    ['its id', () => ({ webhookId: ids.dead })],
    ['how its id starts', () => ({ webhookId: ids.dead.slice(0, 15) })],
    ['its event of any integration', () => ({ eventId: 'dead' })],
    ['its event and integration', () => ({ eventId: 'dead', integrationId: 'acme' })],
  ])('by %s', async (_name, input) => {
    expect(idsOf(await call(findDeliveries, input()))).toEqual([ids.dead]);
  });

  test('before its first claim, too', async () => {
    expect((await call(findDeliveries, { webhookId: ids.accepted })).deliveries).toMatchObject([{ state: 'accepted' }]);
  });

  test.each([{ webhookId: 'nonsense' }, { webhookId: webhookId('acme', 'unknown') }, { eventId: 'unknown' }])(
    'by nothing else: %j',
    async (input) => {
      expect((await call(findDeliveries, input)).deliveries).toEqual([]);
    },
  );

  test('without a scan', async () => {
    operator.front.calls.length = 0;
    await call(findDeliveries, { eventId: 'dead' });
    const calls = operator.front.calls.map(({ operation, input }) => `${operation} ${input.IndexName ?? ''}`.trim());
    // The directory has the integrations; of one that has no record, the event is read.
    expect(new Set(calls)).toEqual(new Set(['Query', 'BatchGetItem', 'GetItem']));
  });
});

test('the integrations are those of which the ledger has deliveries', async () => {
  expect(await call(listLedgerIntegrations, {})).toEqual({ integrationIds: ['acme', 'other'] });
});

describe('a search of all events', () => {
  test.each([
    [{ userId: '4711' }, 'accepted'],
    [{ courseId: 'course-v1:Another+Course+Run' }, 'parked'],
  ] as const)('with %j finds them, and reports rows and cost', async (input, name) => {
    const reports: { rowsRead: number }[] = [];
    const found = await call(searchDeliveries, input, (progress) => void reports.push(progress));
    expect(found).toMatchObject({ total: 1, deliveries: [{ webhook_id: ids[name], state: name }] });
    expect(found.costUsd).toBeGreaterThan(0);
    expect(reports.at(-1)?.rowsRead).toBe(found.rowsRead);
  });

  test.each(['table', 'index'] as const)('has an estimate of the %s', async (of) => {
    const estimate = await call(estimateDeliverySearch, { of });
    expect(estimate).toEqual({ of, rowsRead: expect.any(Number), costUsd: expect.any(Number) });
  });
});

describe('one delivery', () => {
  test('has its record and its event without the payload', async () => {
    const delivery = await call(readDelivery, { webhookId: ids.dead });
    expect(delivery).toMatchObject({
      state: 'dead',
      hasPayload: true,
      hasResponse: true,
      record: { reason: 'HTTP 404' },
    });
    expect(JSON.stringify(delivery)).not.toContain('learner@example.com');
    expect(JSON.stringify(delivery)).not.toContain('not here');
  });

  test('says, as the CLI, since when it is parked, when it is dead-lettered, and what to do', async () => {
    const { parking, next } = await call(readDelivery, { webhookId: ids.parked });
    expect(parking).toMatch(/since .*Z; dead-lettered after .*Z$/);
    expect(next).toMatch(/^\.\/ltw integration resume acme --stage local /);
    expect(await call(readDelivery, { webhookId: ids.dead })).toMatchObject({
      parking: undefined,
      next: `./ltw replay ${ids.dead} --stage local   sends it again`,
    });
  });

  test('has its payload and the response where they are asked for', async () => {
    expect((await call(readPayload, { webhookId: ids.dead })).text).toContain('learner@example.com');
    expect(await call(readResponse, { webhookId: ids.dead })).toEqual({ text: 'not here' });
    expect((await call(readResponse, { webhookId: ids.accepted })).text).toBeUndefined();
  });

  test('has the phases of its attempts from the logs, and of no other delivery', async () => {
    const timings = { connectMs: 1, firstByteMs: 2, totalMs: 3 };
    const line = (webhook_id: string) => JSON.stringify({ message: 'delivery.attempted', webhook_id, timings });
    lines = ['no JSON', line(ids.parked)];
    expect(await call(readPhases, { webhookId: ids.dead })).toEqual({ attempts: [] });
    lines.push(line(ids.dead));
    expect(await call(readPhases, { webhookId: ids.dead })).toEqual({
      attempts: [{ at: expect.stringContaining('2026-01-14T06:00'), phases: timings }],
    });
  });

  test.each(['nonsense', webhookId('acme', 'unknown')])('that the ledger does not know is refused: %s', async (id) => {
    await expect(call(readDelivery, { webhookId: id })).rejects.toThrow(`knows no delivery ${id}`);
  });
});
