import { expect, test } from '@jest/globals';
import { WEBHOOK_STATES } from '../../../lambdas/ledger/record.ts';
import { eachTest } from '../../support/each-test.ts';
import { DEAD, DELIVERED, PARKED, SCHEDULED, startLedgerOperator } from './ledger-operator.ts';

const operator = eachTest(startLedgerOperator);

const at = (hoursAgo: number) => operator.at(hoursAgo);

async function fill(): Promise<void> {
  at(30);
  await operator.webhook({ event_id: 'yesterday' }, DELIVERED);
  at(13);
  await operator.webhook({ event_id: '1' }, DELIVERED);
  at(1);
  for (const event_id of ['2', '3']) await operator.webhook({ event_id }, DELIVERED);
  await operator.webhook({ event_id: '4' }, DEAD);
  await operator.webhook({ event_id: '5' }, SCHEDULED);
  await operator.webhook({ event_id: '6', integration_id: 'globex' }, PARKED);
  await operator.claim(await operator.accept({ event_id: '7' }));
  await operator.accept({ event_id: '8' });
  at(0);
}

test('each webhook once, by integration and state, whether a record lists it or only its event', async () => {
  await fill();
  expect(await operator.run('count')).toBe(0);
  expect(operator.world.printed()).toBe(`what stage local accepted since 2026-01-14T12:00:00Z
integration  accepted  delivering  scheduled  parked  delivered  dead  filtered  cancelled  total
acme                1           1          1       0          3     1         0          0      7
globex              0           0          0       1          0     0         0          0      1
total               1           1          1       1          3     1         0          0      8`);
});

test('of one integration, and of another time', async () => {
  await fill();
  await operator.run('count', '--integration', 'globex', '--since', '2h');
  expect(operator.world.printed()).not.toContain('acme');
  await operator.run('count', '--since', '2d', '--until', '2h');
  expect(operator.world.printed()).toMatch(/acme +0 +0 +0 +0 +2 +0 +0 +0 +2$/);
});

test('as JSON', async () => {
  await fill();
  await operator.run('count', '--since', '7d', '--json');
  const none = Object.fromEntries(WEBHOOK_STATES.map((state) => [state, 0]));
  const acme = { ...none, accepted: 1, delivering: 1, scheduled: 1, delivered: 4, dead: 1 };
  expect(operator.document()).toEqual({
    stage: 'local',
    since: '2026-01-08T12:00:00.000Z',
    until: null,
    integrations: [
      { integration_id: 'acme', states: acme, total: 8 },
      { integration_id: 'globex', states: { ...none, parked: 1 }, total: 1 },
    ],
    states: { ...acme, parked: 1 },
    total: 9,
  });
});

test('none', async () => {
  expect(await operator.run('count', '--integration', 'acme')).toBe(0);
  expect(operator.world.printed()).toMatch(/^none: no webhook of integration acme of stage local was accepted since /);
});
