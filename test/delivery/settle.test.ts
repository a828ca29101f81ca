import { expect, test } from '@jest/globals';
import { type DeadLetter, deadLetterExpired } from '../../lambdas/delivery/settle.ts';
import { deliverySchema } from '../../lambdas/events/delivery.ts';
import { METRICS } from '../../lambdas/shared/metric-definitions.ts';
import { delivery, ENRICHED, fakeCounter, fakeLog, NOT_ENRICHED } from '../support/factories.ts';
import { openLedger } from '../support/open-ledger.ts';

const hot = delivery(NOT_ENRICHED, { event_id: 'hot', event_type: 'lead', kind: 'lead.hot' });
const usual = delivery(ENRICHED, { event_id: 'usual' }, { attempt: 2 });

/** Dead-letters messages that failed for days; SQS does not take those that `refused` names. */
async function deadLetterAll(bodies: Readonly<Record<string, string>>, refused: readonly string[] = []) {
  const letters: DeadLetter[] = [];
  const log = fakeLog();
  const counter = fakeCounter();
  const expired = Object.entries(bodies).map(([id, body]) => ({
    id,
    body,
    reason: 'retried too long: no integrations',
  }));
  const stuck = await deadLetterExpired(expired, {
    ledger: openLedger(),
    async deadLetter(more) {
      letters.push(...more);
      return new Set(refused);
    },
    log,
    counter,
  });
  return { letters, stuck: [...stuck], log, counter };
}

test('a message that failed for days is a dead letter of the next generation; what is no delivery goes as it is', async () => {
  const { letters, stuck } = await deadLetterAll({ a: JSON.stringify(usual), b: '{}' });
  expect(stuck).toEqual([]);
  expect(letters.map(({ id, webhookId }) => [id, webhookId])).toEqual([
    ['a', usual.webhook_id],
    ['b', undefined],
  ]);
  expect(deliverySchema.parse(JSON.parse(letters[0]?.body ?? ''))).toMatchObject({
    generation: 1,
    progress: { attempt: 0 },
  });
  expect(letters[1]?.body).toBe('{}');
});

test('a hot lead among them is counted as critical, once it is a dead letter', async () => {
  const bodies = { a: JSON.stringify(usual), b: JSON.stringify(hot) };
  const { counter, log } = await deadLetterAll(bodies);
  expect(counter.counts).toEqual({ [METRICS.criticalDead]: 1 });
  expect(log.only('delivery.critical_dead')).toMatchObject({ webhook_id: hot.webhook_id, kind: 'lead.hot' });
  const refused = await deadLetterAll(bodies, ['b']);
  expect([refused.stuck, refused.counter.counts]).toEqual([['b'], {}]);
});
