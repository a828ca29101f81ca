import { DeleteMessageCommand, PurgeQueueCommand } from '@aws-sdk/client-sqs';
import { afterEach, expect, test } from '@jest/globals';
import { createLedgerTable } from '../../lambdas/adapters/dynamodb/ledger-table.ts';
import type { ReconcileReport } from '../../lambdas/contract/reconciliation.ts';
import { webhookId } from '../../lambdas/domain/identity.ts';
import { output, reconcile } from '../../local/demo/operator.ts';
import { enrollment, LEARNER } from '../../local/demo/sample-events.ts';
import { awaitQuiet } from '../../local/soak/await-quiet.ts';
import { until } from '../support/assembly.ts';
import { endDeliveryFunctions, logged, publishTo, receiptsOf, runningWorld, TAKEN_OVER_MS } from './running-world.ts';

const world = runningWorld({
  partners: {
    skillsoft: { answers: { status: 200, afterMs: 50 } },
    stalling: { answers: ['hang', 200] },
    limited: { answers: 200, entry: { max_requests_per_minute: 12 } },
  },
});
afterEach(() => world().platform.tables.setMode('up'));

test('the same event published ten times at once reaches the partner once', async () => {
  const body = JSON.stringify(enrollment('copied', 'skillsoft', LEARNER.known));
  await Promise.all(Array.from({ length: 10 }, () => world().publish([body])));
  await until(() => receiptsOf(world(), 'skillsoft', 'copied').length > 0, 30_000);
  await awaitQuiet(world(), 60_000);
  expect(receiptsOf(world(), 'skillsoft', 'copied')).toHaveLength(1);

  await world().publish([body]);
  await until(async () => (await logged(world(), 'event.duplicate')).length > 0, 30_000);
  await awaitQuiet(world(), 60_000);
  expect(receiptsOf(world(), 'skillsoft', 'copied')).toHaveLength(1);
}, 180_000);

test('messages deleted by hand: the reconciler names each webhook that is missing, and sends it', async () => {
  const { platform } = world();
  const QueueUrl = output(platform, 'DeliveriesQueueUrl');
  await publishTo(world(), 'stalling', ['deleted']);
  await until(() => receiptsOf(world(), 'stalling', 'deleted').length === 1, 30_000);
  for (const { receiptHandle: ReceiptHandle } of (await platform.queues.content(QueueUrl)).inflight) {
    await platform.queues.client.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle }));
  }
  await endDeliveryFunctions(world());

  const limited = ['turn-1', 'turn-2', 'turn-3'];
  await publishTo(world(), 'limited', limited);
  const arrived = (id: string) => receiptsOf(world(), 'limited', id).length === 1;
  await until(() => limited.some(arrived), 30_000);
  await until(async () => (await platform.queues.content(QueueUrl)).delayed.length === 2, 30_000);
  await platform.queues.client.send(new PurgeQueueCommand({ QueueUrl }));
  const [first, second] = limited.filter((id) => !arrived(id)).map((id) => webhookId('limited', id));
  const hidden = [webhookId('stalling', 'deleted'), first, second] as string[];

  const named = new Map<string, string>();
  await until(async () => {
    const { stuck, unbalanced, is_balanced } = await reconcile(platform, { days: 2, in_flight_bound_seconds: 1 });
    expect(is_balanced).toBe(unbalanced === 0);
    for (const { webhook_id, action } of stuck) named.set(webhook_id, action);
    return hidden.every((id) => named.has(id));
  }, TAKEN_OVER_MS);
  expect(hidden.map((id) => named.get(id))).toEqual(hidden.map(() => 'republished'));
  await until(() => limited.every(arrived), 60_000);
  await until(() => receiptsOf(world(), 'stalling', 'deleted').length === 2, 30_000);
  await awaitQuiet(world(), 60_000);
  const balance = await reconcile(platform, { days: 2, in_flight_bound_seconds: 0 });
  expect(balance).toMatchObject({ is_balanced: true, in_flight: 0, unbalanced: 0, failed: 0 });
  expect(balance.states.delivered).toBe(balance.accepted);
}, 240_000);

test('what the table did not take is settled later, and none of it is sent again, although every function was killed', async () => {
  const { platform } = world();
  const messagesIn = async (queue: string) => {
    const { ready, inflight, delayed } = await platform.queues.content(output(platform, queue));
    return ready.length + inflight.length + delayed.length;
  };
  const waiting = () => messagesIn('OutcomesQueueUrl');
  const ids = Array.from({ length: 30 }, (_, index) => `queued-${index}`);
  const taken = () => ids.filter((id) => receiptsOf(world(), 'skillsoft', id).length > 0);
  await platform.tables.setMode('down');
  await publishTo(world(), 'skillsoft', ids);
  await until(() => taken().length === ids.length, 60_000);
  await until(async () => (await waiting()) >= ids.length, 30_000);
  // A function that is killed before it acknowledges its batch repeats it: README.md, "Guarantees".
  await until(async () => (await messagesIn('DeliveriesQueueUrl')) === 0, 30_000);
  // What a function kept in memory is gone.
  for (const name of ['enrich-batch', 'deliver-batch', 'deliver-task', 'settle-outcomes']) {
    platform.functions.find(name).killAll();
  }
  await platform.tables.setMode('up');

  // While outcomes wait, and after that: the reconciler has nothing to send again.
  const table = createLedgerTable({
    ...{ client: platform.tables.client, tableName: output(platform, 'LedgerTableName') },
    ...{ payloadDays: 30, factsDays: 400 },
  });
  const reports: ReconcileReport[] = [];
  const waitedFor = async () => {
    const left = await waiting();
    reports.push(await reconcile(platform, { days: 2, in_flight_bound_seconds: 0 }));
    return left === 0;
  };
  await until(waitedFor, 240_000);
  expect(reports.filter(({ republished, stuck }) => republished > 0 || stuck.length > 0)).toEqual([]);
  expect(reports.at(-1)).toMatchObject({ outcomes_waiting: 0, unbalanced: 0 });
  const records = await table.records(ids.map((id) => webhookId('skillsoft', id)));
  expect(ids.map((id) => records.get(webhookId('skillsoft', id))?.state)).toEqual(ids.map(() => 'delivered'));
  await awaitQuiet(world(), 60_000);
  expect(ids.filter((id) => receiptsOf(world(), 'skillsoft', id).length !== 1)).toEqual([]);
}, 480_000);

test('the table down: webhooks go out all the same, and functions say so', async () => {
  const ids = ['without-1', 'without-2', 'without-3'];
  await world().platform.tables.setMode('down');
  await publishTo(world(), 'skillsoft', ids);
  await until(() => ids.every((id) => receiptsOf(world(), 'skillsoft', id).length > 0), 60_000);
  for (const operation of ['accept', 'claim', 'settle']) {
    const lines = () => logged(world(), 'ledger.unavailable');
    await until(async () => (await lines()).some((line) => line.operation === operation), 30_000);
  }
}, 120_000);
