import { describe, expect, test } from '@jest/globals';
import { reportIfCritical, reportIfCriticalEvent } from '../../lambdas/events/critical-dead.ts';
import { KINDS, kindNamed, typeOfKind } from '../../lambdas/events/event-types/event-types.ts';
import { METRICS } from '../../lambdas/shared/metric-definitions.ts';
import { fakeCounter, fakeLog, LEARNER_DATA, subject } from '../support/factories.ts';

function report(webhook: Parameters<typeof reportIfCritical>[0]) {
  const counter = fakeCounter();
  const log = fakeLog();
  reportIfCritical(webhook, { counter, log });
  return { counter, log };
}

test.each(KINDS)('%s: a dead webhook is reported if its kind is critical', (kind) => {
  const webhook = subject({ event_type: typeOfKind(kind), kind });
  const { counter, log } = report(webhook);
  const isCritical = kindNamed(kind).isCritical ?? false;
  expect(counter.counts).toEqual(isCritical ? { [METRICS.criticalDead]: 1 } : {});
  expect(log.messages()).toEqual(isCritical ? ['delivery.critical_dead'] : []);
  for (const data of LEARNER_DATA) expect(log.text()).not.toContain(data);
});

test('a hot lead is critical: the log line names the webhook and its integration', () => {
  const { webhook_id } = subject();
  const { log } = report({ webhook_id, integration_id: 'acme', event_type: 'lead', kind: 'lead.hot' });
  expect(log.lines).toEqual([
    expect.objectContaining({ fields: { webhook_id, integration_id: 'acme', kind: 'lead.hot' } }),
  ]);
});

test('a webhook without a kind, or of an unknown one, is not', () => {
  for (const kind of [undefined, 'lead.lukewarm']) {
    expect(report({ webhook_id: 'w', integration_id: 'acme', event_type: 'lead', kind }).counter.counts).toEqual({});
  }
});

describe('an event that was dead-lettered before it became a delivery', () => {
  const lead = { event_type: 'lead', payload: { user_id: 42, lead_type: 'hot', email: LEARNER_DATA[0] } };
  const reportEvent = (body: string) => {
    const counter = fakeCounter();
    const log = fakeLog();
    reportIfCriticalEvent({ id: 'm1', body, integrationId: 'acme' }, { counter, log });
    return { counter, log };
  };

  test('is reported if its kind is critical, even if the rest is invalid', () => {
    const { counter, log } = reportEvent(JSON.stringify(lead));
    expect(counter.counts).toEqual({ [METRICS.criticalDead]: 1 });
    expect(log.only('event.critical_dead')).toEqual({ message_id: 'm1', integration_id: 'acme', kind: 'lead.hot' });
    for (const data of LEARNER_DATA) expect(log.text()).not.toContain(data);
  });

  test.each([
    'no JSON',
    JSON.stringify({ ...lead, event_type: 'leads' }),
    JSON.stringify({ ...lead, payload: null }),
    JSON.stringify({ ...lead, payload: 'hot' }),
    JSON.stringify({ ...lead, payload: { lead_type: 'cold' } }),
    JSON.stringify({ ...lead, payload: { lead_type: { toString: 'hot' } } }),
    JSON.stringify({ event_type: 'course_completion', payload: { lead_type: 'hot' } }),
  ])('is not reported: %s', (body) => {
    expect(reportEvent(body).counter.counts).toEqual({});
  });
});
