import { expect, test } from '@jest/globals';
import { KINDS, kindNamed, typeOfKind } from '../../lambdas/contract/event-types/event-types.ts';
import { METRICS } from '../../lambdas/contract/metrics.ts';
import { tellIfCritical } from '../../lambdas/domain/critical-dead.ts';
import { fakeCounter, fakeLog, LEARNER_DATA, subject } from '../support/factories.ts';

function tell(givenUp: Parameters<typeof tellIfCritical>[0]) {
  const counter = fakeCounter();
  const log = fakeLog();
  tellIfCritical(givenUp, { counter, log });
  return { counter, log };
}

test.each(KINDS)('%s that is given up is told if its kind is critical', (kind) => {
  const givenUp = subject({ event_type: typeOfKind(kind), kind });
  const { counter, log } = tell(givenUp);
  const isCritical = kindNamed(kind).isCritical ?? false;
  expect(counter.counts).toEqual(isCritical ? { [METRICS.criticalDead]: 1 } : {});
  expect(log.messages()).toEqual(isCritical ? ['delivery.critical_dead'] : []);
  for (const data of LEARNER_DATA) expect(log.text()).not.toContain(data);
});

test('a hot lead is critical: the line says which webhook, and whose', () => {
  const { webhook_id } = subject();
  const { log } = tell({ webhook_id, integration_id: 'acme', event_type: 'lead', kind: 'lead.hot' });
  expect(log.lines).toEqual([
    expect.objectContaining({ fields: { webhook_id, integration_id: 'acme', kind: 'lead.hot' } }),
  ]);
});

test('what names no kind, or one that nobody knows, is not', () => {
  for (const kind of [undefined, 'lead.lukewarm']) {
    expect(tell({ webhook_id: 'w', integration_id: 'acme', event_type: 'lead', kind }).counter.counts).toEqual({});
  }
});
