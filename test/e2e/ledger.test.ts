import { DeleteMessageCommand, PurgeQueueCommand } from '@aws-sdk/client-sqs';
import { afterEach, expect, test } from '@jest/globals';
import { webhookId } from '../../lambdas/events/identity.ts';
import { createLedgerTable } from '../../lambdas/ledger/table/ledger-table.ts';
import { output, reconcile } from '../../local/demo/operator.ts';
import { enrollment, LEARNER } from '../../local/demo/sample-events.ts';
import { awaitQuiet } from '../../local/soak/await-quiet.ts';
import {
  endDeliveryFunctions,
  linesOf,
  logged,
  publishTo,
  receiptsOf,
  runningWorld,
  until,
  waitForAttempts,
} from './running-world.ts';

const world = runningWorld({
  partners: {
    skillsoft: { answers: { status: 200, afterMs: 50 } },
    stalling: { answers: ['hang', 200] },
    limited: { answers: 200, entry: { max_requests_per_minute: 12 } },
  },
});
afterEach(() => world().platform.tables.setMode('up'));

test('the same event published ten times in parallel reaches the partner once', async () => {
  const body = JSON.stringify(enrollment('copied', 'skillsoft', LEARNER.known));
  await Promise.all(Array.from({ length: 10 }, () => world().publish([body])));
  await awaitQuiet(world());
  expect(receiptsOf(world(), 'skillsoft', 'copied')).toHaveLength(1);

  const duplicates = linesOf(world(), 'event.duplicate', 'skillsoft', 'copied').length;
  await world().publish([body]);
  await awaitQuiet(world());
  expect(linesOf(world(), 'event.duplicate', 'skillsoft', 'copied')).toHaveLength(duplicates + 1);
  expect(receiptsOf(world(), 'skillsoft', 'copied')).toHaveLength(1);
});

/** What is in flight for longer is stuck, in seconds: longer than the leases of this test. */
const BOUND_SECONDS = 60;

test('messages deleted by hand: the reconciler names each delivery that is missing, and sends it', async () => {
  const { platform } = world();
  const QueueUrl = output(platform, 'DeliveriesQueueUrl');
  await publishTo(world(), 'stalling', ['deleted']);
  await until(world(), () => receiptsOf(world(), 'stalling', 'deleted').length === 1);
  for (const { receiptHandle: ReceiptHandle } of (await platform.queues.content(QueueUrl)).inflight) {
    await platform.queues.client.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle }));
  }
  await endDeliveryFunctions(world());

  const limited = ['turn-1', 'turn-2', 'turn-3'];
  await publishTo(world(), 'limited', limited);
  await until(world(), async () => (await platform.queues.content(QueueUrl)).delayed.length === 2);
  await until(world(), () => limited.some((id) => receiptsOf(world(), 'limited', id).length === 1));
  await platform.queues.client.send(new PurgeQueueCommand({ QueueUrl }));
  const purged = limited.filter((id) => receiptsOf(world(), 'limited', id).length === 0);
  const missing = [webhookId('stalling', 'deleted'), ...purged.map((id) => webhookId('limited', id))];
  expect(missing).toHaveLength(3);

  // Before a lease has ended, and what is due is overdue for long enough, nothing is missing.
  expect((await reconcile(platform, { days: 2, in_flight_bound_seconds: BOUND_SECONDS })).stuck).toEqual([]);
  await world().skip(2 * BOUND_SECONDS * 1000);
  const report = await reconcile(platform, { days: 2, in_flight_bound_seconds: BOUND_SECONDS });
  expect(report).toMatchObject({ is_balanced: false, unbalanced: 3 });
  expect(new Map(report.stuck.map(({ webhook_id, action }) => [webhook_id, action]))).toEqual(
    new Map(missing.map((id) => [id, 'republished'])),
  );
  await awaitQuiet(world());
  expect(limited.map((id) => receiptsOf(world(), 'limited', id).length)).toEqual([1, 1, 1]);
  expect(receiptsOf(world(), 'stalling', 'deleted')).toHaveLength(2);
  const balance = await reconcile(platform, { days: 2, in_flight_bound_seconds: 0 });
  expect(balance).toMatchObject({ is_balanced: true, in_flight: 0, unbalanced: 0, failed: 0 });
  expect(balance.states.delivered).toBe(balance.accepted);
});

test('the table down: all is delivered, settled later, and none of it sent again, although every function was killed', async () => {
  const { platform } = world();
  const messagesIn = async (queue: string) => {
    const { ready, inflight, delayed } = await platform.queues.content(output(platform, queue));
    return ready.length + inflight.length + delayed.length;
  };
  const ids = Array.from({ length: 30 }, (_, index) => `queued-${index}`);
  await platform.tables.setMode('down');
  await publishTo(world(), 'skillsoft', ids);
  await waitForAttempts(world(), 'skillsoft', ids, ['delivered']);
  expect(await messagesIn('OutcomesQueueUrl')).toBeGreaterThanOrEqual(ids.length);
  expect(await messagesIn('DeliveriesQueueUrl')).toBe(0);
  const withoutLedger = await logged(world(), 'ledger.unavailable');
  expect(new Set(withoutLedger.map(({ operation }) => operation))).toEqual(new Set(['accept', 'claim', 'settle']));
  // What a function kept in memory is gone.
  for (const name of ['enrich-batch', 'deliver-batch', 'deliver-task', 'settle-outcomes']) {
    platform.functions.find(name).killAll();
  }
  await platform.tables.setMode('up');

  // While outcomes wait, and after that: the reconciler has nothing to send again.
  const waiting = await reconcile(platform, { days: 2, in_flight_bound_seconds: 0 });
  expect(waiting).toMatchObject({ republished: 0, stuck: [] });
  expect(waiting.outcomes_waiting).toBeGreaterThan(0);
  await until(world(), async () => (await messagesIn('OutcomesQueueUrl')) === 0);
  const settled = await reconcile(platform, { days: 2, in_flight_bound_seconds: 0 });
  expect(settled).toMatchObject({ republished: 0, stuck: [], outcomes_waiting: 0, unbalanced: 0 });
  const table = createLedgerTable({
    ...{ client: platform.tables.client, tableName: output(platform, 'LedgerTableName') },
    ...{ payloadDays: 30, factsDays: 400 },
  });
  const records = await table.records(ids.map((id) => webhookId('skillsoft', id)));
  expect(ids.map((id) => records.get(webhookId('skillsoft', id))?.state)).toEqual(ids.map(() => 'delivered'));
  await awaitQuiet(world());
  expect(ids.map((id) => receiptsOf(world(), 'skillsoft', id).length)).toEqual(ids.map(() => 1));
});
