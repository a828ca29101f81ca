import { expect, test } from '@jest/globals';
import { findReceiver, lookUpIntegration } from '../../lambdas/delivery/find-receiver.ts';
import type { IntegrationRegistry } from '../../lambdas/partners/integration-registry.ts';
import { ConfigurationUnavailable } from '../../lambdas/shared/errors.ts';
import { METRICS, type MetricName } from '../../lambdas/shared/metric-definitions.ts';
import {
  brokenEntry,
  delivery,
  ENRICHED,
  fakeCounter,
  fakeLog,
  integration,
  NOT_ENRICHED,
  NOW,
  registry,
} from '../support/factories.ts';

const DUE = '2026-01-15T12:00:00.000Z';
const waited = delivery(ENRICHED, { generation: 1 }, { attempt: 2, due_at: DUE });

async function find(known: IntegrationRegistry | undefined, given = waited) {
  const [log, counter] = [fakeLog(), fakeCounter()];
  const services = { integrations: { read: async () => known }, log, counter, now: () => NOW, random: () => 0.5 };
  return {
    found: findReceiver(given, await lookUpIntegration(given, services), services),
    log,
    counts: counter.counts,
  };
}

test('a delivery goes to its integration as it is now', async () => {
  const { found } = await find(registry(integration({ url: 'https://moved.example/' })));
  expect(found).toMatchObject({ integration: { url: 'https://moved.example/' } });
});

const PARKED = { outcome: 'retry', due_at: '2026-01-15T12:01:00.000Z', park_count: 1, parked_for: 'paused' };

test.each<[string, IntegrationRegistry, object, MetricName, string]>([
  [
    'inactive, although it is paused too',
    registry(integration({ active: false, paused: true })),
    { outcome: 'filtered', reason: 'integration acme is not active' },
    METRICS.eventFiltered,
    'event.filtered',
  ],
  [
    'not subscribed to its type',
    registry(integration({ event_types: ['course_enrollment'] })),
    { outcome: 'filtered', reason: 'integration acme does not take course_completion' },
    METRICS.eventFiltered,
    'event.filtered',
  ],
  [
    'paused',
    registry(integration({ paused: true })),
    { ...PARKED, reason: 'parked: integration acme is paused' },
    METRICS.deliveryParked,
    'delivery.parked',
  ],
  [
    'paused with all others',
    { ...registry(integration()), paused: true },
    { ...PARKED, reason: 'parked: all integrations are paused' },
    METRICS.deliveryParked,
    'delivery.parked',
  ],
  [
    'removed',
    registry(),
    {
      ...{ outcome: 'dead', reason: 'no integration has the id acme', dead_reason: 'no_integration' },
      redrive: expect.objectContaining({ generation: 2 }),
    },
    METRICS.deliveryDead,
    'no log line',
  ],
])('no attempt is made or counted if its integration is %s', async (_what, known, result, metric, message) => {
  const { found, counts, log } = await find(known);
  expect(found).toEqual({ result: { enrichment: ENRICHED, attempt: 2, due_at: DUE, ...result } });
  expect(counts).toEqual({ [metric]: 1 });
  const { reason } = result as { reason: string };
  const fields = { webhook_id: waited.webhook_id, integration_id: 'acme', reason };
  expect(log.lines).toMatchObject(message === 'no log line' ? [] : [{ message, fields }]);
});

test('a removed integration is critical for a delivery of a critical kind', async () => {
  const { counts } = await find(registry(), delivery(NOT_ENRICHED, { event_type: 'lead', kind: 'lead.hot' }));
  expect(counts).toEqual({ [METRICS.deliveryDead]: 1, [METRICS.criticalDead]: 1 });
});

test.each([
  ['the integrations were never read', undefined],
  ['its entry is broken', { ...registry(), broken: brokenEntry('acme') }],
])('the receiver is unknown if %s', async (_what, known) => {
  await expect(find(known)).rejects.toThrow(ConfigurationUnavailable);
});
