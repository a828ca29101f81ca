import { expect, test } from '@jest/globals';
import { type DeadLetter, deadLetterExpired } from '../../lambdas/delivery/settle.ts';
import { deliverySchema } from '../../lambdas/events/delivery.ts';
import { METRICS } from '../../lambdas/shared/metric-definitions.ts';
import { delivery, ENRICHED, fakeCounter, fakeLog, NOT_ENRICHED } from '../support/factories.ts';
import { openLedger } from '../support/open-ledger.ts';

const hot = delivery(NOT_ENRICHED, { event_id: 'hot', event_type: 'lead', kind: 'lead.hot' });
const usual = delivery(ENRICHED, { event_id: 'usual' }, { attempt: 2 });

/** Dead-letters messages that failed for days; SQS refuses those in `refused`. */
async function deadLetterAll(bodies: Readonly<Record<string, string>>, refused: readonly string[] = []) {
  const deadLetters: DeadLetter[] = [];
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
      deadLetters.push(...more);
      return new Set(refused);
    },
    log,
    counter,
  });
  return { deadLetters, stuck: [...stuck], log, counter };
}

test('a message that failed for days is dead-lettered in its next generation; an invalid one unchanged', async () => {
  const { deadLetters, stuck } = await deadLetterAll({ a: JSON.stringify(usual), b: '{}' });
  expect(stuck).toEqual([]);
  expect(deadLetters.map(({ id, webhookId }) => [id, webhookId])).toEqual([
    ['a', usual.webhook_id],
    ['b', undefined],
  ]);
  expect(deliverySchema.parse(JSON.parse(deadLetters[0]?.body ?? ''))).toMatchObject({
    generation: 1,
    progress: { attempt: 0 },
  });
  expect(deadLetters[1]?.body).toBe('{}');
});

test('a hot lead among them counts as critical, once it is dead-lettered', async () => {
  const bodies = { a: JSON.stringify(usual), b: JSON.stringify(hot) };
  const { counter, log } = await deadLetterAll(bodies);
  expect(counter.counts).toEqual({ [METRICS.criticalDead]: 1 });
  expect(log.only('delivery.critical_dead')).toMatchObject({ webhook_id: hot.webhook_id, kind: 'lead.hot' });
  const refused = await deadLetterAll(bodies, ['b']);
  expect([refused.stuck, refused.counter.counts]).toEqual([['b'], {}]);
});
