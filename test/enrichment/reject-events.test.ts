import { expect, test } from '@jest/globals';
import { createDeadLetter } from '../../lambdas/enrichment/reject-events.ts';
import { DEAD_LETTER_ATTRIBUTES } from '../../lambdas/events/delivery.ts';
import { METRICS } from '../../lambdas/shared/metric-definitions.ts';
import type { OutgoingMessage } from '../../lambdas/shared/queue-message.ts';
import { eventBody, fakeCounter, fakeLog } from '../support/factories.ts';

const hotLead = (id: string) => ({
  id,
  body: eventBody({ event_type: 'lead', integration_id: 'acme', payload: { lead_type: 'hot' } }),
  reason: 'integration acme belongs to another enterprise',
  integrationId: 'acme',
});

function world(refused: readonly string[] = []) {
  const sent: OutgoingMessage[] = [];
  const counter = fakeCounter();
  const log = fakeLog();
  const send = async (deadLetters: readonly OutgoingMessage[]) => {
    sent.push(...deadLetters);
    return new Set(refused);
  };
  return { sent, counter, log, deadLetter: createDeadLetter({ send, counter, log }) };
}

test('an event goes to the dead letter queue unchanged, with the reason as an attribute', async () => {
  const { sent, counter, deadLetter } = world();
  expect(await deadLetter([{ id: 'a', body: 'no event', reason: 'not JSON' }])).toEqual(new Set());
  expect(sent).toEqual([{ id: 'a', body: 'no event', attributes: { [DEAD_LETTER_ATTRIBUTES.reason]: 'not JSON' } }]);
  expect(counter.counts).toEqual({});
});

test('a hot lead among them counts as critical, once it is dead-lettered', async () => {
  const { counter, log, deadLetter } = world(['b']);
  expect(await deadLetter([hotLead('a'), hotLead('b')])).toEqual(new Set(['b']));
  expect(counter.counts).toEqual({ [METRICS.criticalDead]: 1 });
  expect(log.only('event.critical_dead')).toMatchObject({ message_id: 'a', integration_id: 'acme' });
});
