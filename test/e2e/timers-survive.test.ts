import { expect, test } from '@jest/globals';
import { webhookId } from '../../lambdas/domain/identity.ts';
import { lead } from '../../local/demo/sample-events.ts';
import { until } from '../support/assembly.ts';
import { runningWorld, TAKEN_OVER_MS } from './running-world.ts';

/** An hour is 18 seconds. */
const TIME_SCALE = 200;
const LEADS = 1_000;
const AT_ONCE = 40;
const MINUTE_MS = 60_000;

// More environments would only wait for two cores.
const world = runningWorld({
  timeScale: TIME_SCALE,
  partners: { n8n: { answers: 200 } },
  platformOptions: { accountConcurrency: 10 },
});

/** From one hour and twenty minutes to two hours: 24 to 36 s here. */
const delayMinutes = (index: number) => 80 + (index % 40);

test('1,000 leads that wait, every process killed twice: each is sent once, and none early', async () => {
  const { platform, partner, publish } = world();
  const { stateMachine, functions } = platform;
  const occurredAt = new Date().toISOString();
  const leads = Array.from({ length: LEADS }, (_, index) => ({
    id: webhookId('n8n', `lead-${index}`),
    dueMs: Date.parse(occurredAt) + delayMinutes(index) * MINUTE_MS,
    body: JSON.stringify(
      lead(`lead-${index}`, 'n8n', 1 + index, 'calculated', occurredAt, { delay_minutes: delayMinutes(index) }),
    ),
  }));
  const earliestMs = new Map<string, number>();
  for (let from = 0; from < LEADS; from += AT_ONCE) {
    const some = leads.slice(from, from + AT_ONCE);
    for (const { id, dueMs } of some) earliestMs.set(id, Date.now() + (dueMs - Date.now()) / TIME_SCALE);
    await Promise.all(some.map(({ body }) => publish([body])));
    // While they are taken from the queue.
    if (from === LEADS / 2) functions.killAll();
  }
  await until(() => stateMachine.executions().length === LEADS, 180_000);
  // While they wait; whoever is sending at this moment leaves nobody who knows whether it was taken.
  const inHand = new Set(
    stateMachine
      .executions()
      .filter(({ status, history }) => status === 'RUNNING' && history.at(-1)?.state === 'Deliver')
      .map(({ name }) => name.replace(/-g0$/, '')),
  );
  functions.killAll();

  await until(() => stateMachine.executions().every(({ status }) => status === 'SUCCEEDED'), 120_000 + TAKEN_OVER_MS);
  const times = Map.groupBy(partner.receipts, ({ headers }) => String(headers['webhook-id']));
  expect(new Set(times.keys())).toEqual(new Set(leads.map(({ id }) => id)));
  const again = [...times].filter(([id, receipts]) => receipts.length > 1 && !inHand.has(id));
  expect(again).toEqual([]);
  const early = partner.receipts.filter(
    ({ headers, received_at }) => Date.parse(received_at) < Number(earliestMs.get(String(headers['webhook-id']))),
  );
  expect(early).toEqual([]);
  expect((await world().evidence([])).deliveryDeadLetters).toEqual([]);
}, 600_000);
