import { describe, expect, test } from '@jest/globals';
import { findReceiver, readEntry } from '../../lambdas/delivery/find-receiver.ts';
import type { Delivery } from '../../lambdas/events/delivery.ts';
import type { IntegrationRegistry } from '../../lambdas/partners/integration-registry.ts';
import { ConfigurationUnavailable } from '../../lambdas/shared/errors.ts';
import { METRICS } from '../../lambdas/shared/metric-definitions.ts';
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

async function find(given: Delivery, services: ReturnType<typeof world>['services']) {
  return findReceiver(given, await readEntry(given, services), services);
}

function world(known: IntegrationRegistry | undefined) {
  const log = fakeLog();
  const counter = fakeCounter();
  const services = { integrations: { read: async () => known }, log, counter, now: () => NOW, random: () => 0.5 };
  return { services, log, counter };
}

const waited = delivery(ENRICHED, { generation: 1 }, { attempt: 2, due_at: '2026-01-15T12:00:00.000Z' });

describe('the receiver of a delivery', () => {
  test('is its integration as it stands now', async () => {
    const { services } = world(registry(integration({ url: 'https://moved.example/' })));
    expect(await find(waited, services)).toMatchObject({ integration: { url: 'https://moved.example/' } });
  });

  test.each([
    ['is switched off', integration({ active: false }), 'integration acme is not active'],
    [
      'takes this type no more',
      integration({ event_types: ['course_enrollment'] }),
      'integration acme does not take course_completion',
    ],
  ])('does not take it where it %s: no dead-letter message, counted and logged', async (_what, changed, reason) => {
    const { services, counter, log } = world(registry(changed));
    expect(await find(waited, services)).toEqual({
      result: { enrichment: ENRICHED, attempt: 2, due_at: waited.progress.due_at, outcome: 'filtered', reason },
    });
    expect(counter.counts).toEqual({ [METRICS.eventFiltered]: 1 });
    expect(log.only('event.filtered')).toEqual({ webhook_id: waited.webhook_id, integration_id: 'acme', reason });
  });

  test('is dead where the integration was removed, without an attempt counted', async () => {
    const { services, counter } = world(registry());
    expect(await find(waited, services)).toMatchObject({
      result: { outcome: 'dead', attempt: 2, reason: 'no integration has the id acme', redrive: { generation: 2 } },
    });
    expect(counter.counts).toEqual({ [METRICS.deliveryDead]: 1 });
  });

  test('is dead there, and counted as critical, where its kind is', async () => {
    const { services, counter } = world(registry());
    await find(delivery(NOT_ENRICHED, { event_type: 'lead', kind: 'lead.hot' }), services);
    expect(counter.counts).toEqual({ [METRICS.deliveryDead]: 1, [METRICS.criticalDead]: 1 });
  });

  test('cannot be known where the integrations were never read', async () => {
    await expect(find(waited, world(undefined).services)).rejects.toThrow(ConfigurationUnavailable);
  });

  test('cannot be known where its entry is broken', async () => {
    const broken = { ...registry(), broken: brokenEntry('acme') };
    await expect(find(waited, world(broken).services)).rejects.toThrow(ConfigurationUnavailable);
  });

  test.each([
    ['it', registry(integration({ paused: true })), 'parked: integration acme is paused'],
    ['everything', { ...registry(integration()), paused: true }, 'parked: all integrations are paused'],
  ])('parks it where %s is paused: for a minute at first, and no attempt is spent', async (_what, known, reason) => {
    const { services, counter, log } = world(known);
    expect(await find(waited, services)).toEqual({
      result: {
        enrichment: ENRICHED,
        attempt: 2,
        due_at: '2026-01-15T12:01:00.000Z',
        outcome: 'retry',
        reason,
        park_count: 1,
        parked_for: 'paused',
      },
    });
    expect(counter.counts).toEqual({ [METRICS.deliveryParked]: 1 });
    expect(log.only('delivery.parked')).toMatchObject({ webhook_id: waited.webhook_id, reason });
  });

  test('does not take it, rather than park it, where it is switched off and paused', async () => {
    const { services } = world(registry(integration({ paused: true, active: false })));
    expect(await find(waited, services)).toMatchObject({ result: { outcome: 'filtered' } });
  });
});
