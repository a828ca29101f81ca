import { describe, expect, test } from '@jest/globals';
import type { IntegrationState } from '../../lambdas/ledger/integration-state.ts';
import { rejectionText } from '../../lambdas/limiter/rejection.ts';
import { LedgerUnavailable } from '../../lambdas/shared/errors.ts';
import { integration, registry } from '../support/factories.ts';
import { HOUR, isoAgo, MINUTE, reconcileFixture } from '../support/reconcile-fixture.ts';

const parked = (agoMs: number, is_announced = true): IntegrationState => ({
  ...{ integration_id: 'acme', state: 'parked', reason: 'endpoint_gone', at: isoAgo(agoMs), is_announced },
});

/** Adds a delivery that the ledger holds because its integration was failing. */
const park = (fixture: ReturnType<typeof reconcileFixture>, changedAgoMs: number) =>
  fixture.put('parked', {
    ...{ agoMs: 3 * HOUR, state: 'parked', changedAgoMs },
    record: { parked_for: 'failing', reason: `parked: ${rejectionText('acme', 'failing')}` },
  });

describe('the reconciler announces', () => {
  test('a state whose event was lost, and no other', async () => {
    const fixture = reconcileFixture();
    fixture.states = [parked(5 * MINUTE, false), { ...parked(HOUR), integration_id: 'other' }];
    await fixture.run();
    expect(fixture.notices.announced).toEqual(['acme parked again']);
  });

  test('that an endpoint has been failing for an hour', async () => {
    const fixture = reconcileFixture();
    await park(fixture, HOUR);
    await fixture.run();
    expect(fixture.notices.announced).toEqual(['acme parked endpoint_failing']);
  });

  test('that an integration delivers again, if no function has', async () => {
    const fixture = reconcileFixture();
    fixture.states = [parked(2 * HOUR)];
    await fixture.put('delivered', { agoMs: 3 * HOUR, state: 'delivered', changedAgoMs: HOUR });
    await fixture.run();
    expect(fixture.notices.announced).toEqual(['acme resumed endpoint_responded']);
  });

  test('that an integration without deliveries was resumed, unless the run had no time to look for them', async () => {
    const fixture = reconcileFixture();
    fixture.registry = registry(integration({ resumed_at: isoAgo(HOUR) }));
    fixture.states = [parked(2 * HOUR)];
    await fixture.run({}, () => 0);
    expect(fixture.notices.announced).toEqual([]);
    await fixture.run();
    expect(fixture.notices.announced).toEqual(['acme resumed resumed_by_operator']);
  });

  test('nothing about an integration whose later days the run had no time for', async () => {
    const fixture = reconcileFixture();
    await fixture.put('delivered', { agoMs: 10 * MINUTE, state: 'delivered', changedAgoMs: 5 * MINUTE });
    await fixture.put('parked', {
      ...{ agoMs: 26 * HOUR, state: 'parked', changedAgoMs: 25 * HOUR },
      record: { parked_for: 'failing', reason: `parked: ${rejectionText('acme', 'failing')}` },
    });
    let leftMs = 15 * MINUTE;
    const { table } = fixture;
    fixture.table = {
      ...table,
      async *listDay(day, span) {
        yield* table.listDay(day, span);
        // The time ends after the first of its days.
        leftMs = 0;
      },
    };
    const report = await fixture.run({}, () => leftMs);
    expect(report.is_complete).toBe(false);
    expect(fixture.notices.announced).toEqual([]);
  });

  test('nothing in a dry run, nor of another integration than the one of its input', async () => {
    const fixture = reconcileFixture();
    fixture.states = [parked(2 * HOUR)];
    await fixture.put('delivered', { agoMs: 3 * HOUR, state: 'delivered', changedAgoMs: HOUR });
    await fixture.run({ dry_run: true });
    await fixture.run({ integration_id: 'other' });
    expect(fixture.notices.announced).toEqual([]);
  });
});

test('states that cannot be read end no run', async () => {
  const fixture = reconcileFixture();
  fixture.readStates = () => Promise.reject(new LedgerUnavailable('no'));
  expect(await fixture.run()).toMatchObject({ is_complete: true });
  expect(fixture.log.messages()).toContain('integration.states_unread');
});
