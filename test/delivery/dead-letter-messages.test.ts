import { expect, test } from '@jest/globals';
import { type DeadLetter, deadLetterExpired } from '../../lambdas/delivery/dead-letter-messages.ts';
import { deliverySchema } from '../../lambdas/events/delivery.ts';
import { METRICS } from '../../lambdas/shared/metric-definitions.ts';
import { delivery, ENRICHED, fakeCounter, fakeLog, NOT_ENRICHED } from '../support/factories.ts';
import { openLedger } from '../support/open-ledger.ts';

const hot = delivery(NOT_ENRICHED, { event_id: 'hot', event_type: 'lead', kind: 'lead.hot' });
const usual = delivery(ENRICHED, { event_id: 'usual' }, { attempt: 2 });

/** Dead-letters three messages that failed for days: a usual delivery, a hot lead and an invalid one. */
async function deadLetterAll(...refused: string[]) {
  const deadLetters: DeadLetter[] = [];
  const [ledger, counter] = [openLedger(), fakeCounter()];
  const deadLetter = async (more: readonly DeadLetter[]) => {
    deadLetters.push(...more);
    return new Set(refused);
  };
  const bodies = { usual: JSON.stringify(usual), hot: JSON.stringify(hot), invalid: '{}' };
  const expired = Object.entries(bodies).map(([id, body]) => ({ id, body, reason: 'retried too long' }));
  const stuck = await deadLetterExpired(expired, { ledger, deadLetter, log: fakeLog(), counter });
  return { deadLetters, stuck: [...stuck], counts: counter.counts, noted: ledger.noted };
}

test('messages that failed for days are dead-lettered in their next generation; an invalid one unchanged', async () => {
  const { deadLetters, stuck, noted, counts } = await deadLetterAll();
  expect(stuck).toEqual([]);
  const ids = deadLetters.map(({ webhookId }) => webhookId);
  expect(ids).toEqual([usual.webhook_id, hot.webhook_id, undefined]);
  const redriven = { generation: 1, progress: { attempt: 0 } };
  expect(deliverySchema.parse(JSON.parse(deadLetters[0]?.body ?? ''))).toMatchObject(redriven);
  expect(deadLetters[2]?.body).toBe('{}');
  const progress = { outcome: 'dead', attempt: 2, reason: 'retried too long' };
  expect(noted[0]).toMatchObject({ webhookId: usual.webhook_id, settlement: { progress } });
  expect(counts).toEqual({ [METRICS.criticalDead]: 1 });
});

test('a message that the dead letter queue refuses is neither counted nor recorded', async () => {
  const { stuck, counts, noted } = await deadLetterAll('hot');
  expect([stuck, counts, noted.map(({ webhookId }) => webhookId)]).toEqual([['hot'], {}, [usual.webhook_id]]);
});
