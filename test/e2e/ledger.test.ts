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
  runningSession,
  until,
  waitForAttempts,
} from './running-session.ts';

const session = runningSession({
  partners: {
    skillsoft: { behaviour: { status: 200, afterMs: 50 } },
    stalling: { behaviour: ['hang', 200] },
    limited: { behaviour: 200, entry: { max_requests_per_minute: 12 } },
  },
});
afterEach(() => session().platform.tables.setMode('up'));

test('the same event published ten times in parallel reaches the partner once', async () => {
  const body = JSON.stringify(enrollment('copied', 'skillsoft', LEARNER.known));
  await Promise.all(Array.from({ length: 10 }, () => session().publish([body])));
  await awaitQuiet(session());
  expect(receiptsOf(session(), 'skillsoft', 'copied')).toHaveLength(1);

  const duplicates = linesOf(session(), 'event.duplicate', 'skillsoft', 'copied').length;
  await session().publish([body]);
  await awaitQuiet(session());
  expect(linesOf(session(), 'event.duplicate', 'skillsoft', 'copied')).toHaveLength(duplicates + 1);
  expect(receiptsOf(session(), 'skillsoft', 'copied')).toHaveLength(1);
});

/** What is in flight for longer is stuck, in seconds: longer than the leases of this test. */
const BOUND_SECONDS = 60;

test('messages deleted by hand: the reconciler names each delivery that is missing, and sends it', async () => {
  const { platform } = session();
  const QueueUrl = output(platform, 'DeliveriesQueueUrl');
  await publishTo(session(), 'stalling', ['deleted']);
  await until(session(), () => receiptsOf(session(), 'stalling', 'deleted').length === 1);
  for (const { receiptHandle: ReceiptHandle } of (await platform.queues.content(QueueUrl)).inflight) {
    await platform.queues.client.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle }));
  }
  await endDeliveryFunctions(session());

  const limited = ['turn-1', 'turn-2', 'turn-3'];
  await publishTo(session(), 'limited', limited);
  await until(session(), async () => (await platform.queues.content(QueueUrl)).delayed.length === 2);
  await until(session(), () => limited.some((id) => receiptsOf(session(), 'limited', id).length === 1));
  await platform.queues.client.send(new PurgeQueueCommand({ QueueUrl }));
  const purged = limited.filter((id) => receiptsOf(session(), 'limited', id).length === 0);
  const missing = [webhookId('stalling', 'deleted'), ...purged.map((id) => webhookId('limited', id))];
  expect(missing).toHaveLength(3);

  // Before a lease has ended, and what is due is overdue for long enough, nothing is missing.
  expect((await reconcile(platform, { days: 2, in_flight_bound_seconds: BOUND_SECONDS })).stuck).toEqual([]);
  await session().skip(2 * BOUND_SECONDS * 1000);
  const report = await reconcile(platform, { days: 2, in_flight_bound_seconds: BOUND_SECONDS });
  expect(report).toMatchObject({ is_balanced: false, unbalanced: 3 });
  expect(new Map(report.stuck.map(({ webhook_id, action }) => [webhook_id, action]))).toEqual(
    new Map(missing.map((id) => [id, 'resent'])),
  );
  await awaitQuiet(session());
  expect(limited.map((id) => receiptsOf(session(), 'limited', id).length)).toEqual([1, 1, 1]);
  expect(receiptsOf(session(), 'stalling', 'deleted')).toHaveLength(2);
  const balance = await reconcile(platform, { days: 2, in_flight_bound_seconds: 0 });
  expect(balance).toMatchObject({ is_balanced: true, in_flight: 0, unbalanced: 0, failed: 0 });
  expect(balance.states.delivered).toBe(balance.accepted);
});

test('the table down: all is delivered, settled later, and none of it sent again, although every function was killed', async () => {
  const { platform } = session();
  const messagesIn = async (queue: string) => {
    const { ready, inflight, delayed } = await platform.queues.content(output(platform, queue));
    return ready.length + inflight.length + delayed.length;
  };
  const ids = Array.from({ length: 30 }, (_, index) => `queued-${index}`);
  await platform.tables.setMode('down');
  await publishTo(session(), 'skillsoft', ids);
  await waitForAttempts(session(), 'skillsoft', ids, ['delivered']);
  expect(await messagesIn('OutcomesQueueUrl')).toBeGreaterThanOrEqual(ids.length);
  expect(await messagesIn('DeliveriesQueueUrl')).toBe(0);
  const withoutLedger = await logged(session(), 'ledger.unavailable');
  expect(new Set(withoutLedger.map(({ operation }) => operation))).toEqual(new Set(['accept', 'claim', 'settle']));
  // What a function kept in memory is gone.
  for (const name of ['enrich-batch', 'deliver-batch', 'deliver-task', 'settle-outcomes']) {
    platform.functions.find(name).killAll();
  }
  await platform.tables.setMode('up');

  // While outcomes wait, and after that: the reconciler has nothing to send again.
  const waiting = await reconcile(platform, { days: 2, in_flight_bound_seconds: 0 });
  expect(waiting).toMatchObject({ resent: 0, stuck: [] });
  expect(waiting.outcomes_waiting).toBeGreaterThan(0);
  await until(session(), async () => (await messagesIn('OutcomesQueueUrl')) === 0);
  const settled = await reconcile(platform, { days: 2, in_flight_bound_seconds: 0 });
  expect(settled).toMatchObject({ resent: 0, stuck: [], outcomes_waiting: 0, unbalanced: 0 });
  const table = createLedgerTable({
    ...{ client: platform.tables.client, tableName: output(platform, 'LedgerTableName') },
    ...{ payloadDays: 30, factsDays: 400 },
  });
  const records = await table.records(ids.map((id) => webhookId('skillsoft', id)));
  expect(ids.map((id) => records.get(webhookId('skillsoft', id))?.state)).toEqual(ids.map(() => 'delivered'));
  await awaitQuiet(session());
  expect(ids.map((id) => receiptsOf(session(), 'skillsoft', id).length)).toEqual(ids.map(() => 1));
});
