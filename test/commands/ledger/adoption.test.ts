import { expect, test } from '@jest/globals';
import type { Enrichment } from '../../../lambdas/events/delivery.ts';
import { eachTest } from '../../support/each-test.ts';
import { ENRICHED, NOT_ENRICHED, NOW } from '../../support/factories.ts';
import { DEAD, DELIVERED, type Left, startLedgerOperator } from './ledger-operator.ts';

const operator = eachTest(startLedgerOperator);

const OFF = { status: 'not_enriched', reason: 'flag_off' } as const;
let made = 0;

/** A webhook of so many hours ago. */
async function webhook(
  enterprise: string,
  enrichment: Enrichment,
  hoursAgo: number,
  more: object = {},
  left: Left = DELIVERED,
) {
  operator.world.nowMs = NOW - hoursAgo * 3600_000;
  made += 1;
  const subject = { event_id: `event-${made}`, enterprise_customer_uuid: enterprise, ...more };
  await operator.webhook(subject, { ...left, progress: { ...left.progress, enrichment } });
  operator.world.nowMs = NOW;
}

async function fill(): Promise<void> {
  await webhook('ent-b', OFF, 5);
  await webhook('ent-b', ENRICHED, 3);
  await webhook('ent-b', ENRICHED, 2, { integration_id: 'globex' });
  await webhook('ent-a', NOT_ENRICHED, 4);
  await webhook('ent-a', OFF, 4);
}

test('who has learning time, since when, and who has not and why', async () => {
  await fill();
  expect(await operator.run('adoption')).toBe(0);
  expect(operator.world.printed()).toBe(`completions that stage local accepted since 2026-01-08T12:00:00Z and delivered
enterprise  with learning time  flag off  without  first with
ent-a       0                   1         1        never
ent-b       2                   1         0        2026-01-15T09:00:00Z`);
});

test('enrollments count for nobody, nor does what was not delivered', async () => {
  await webhook('ent-a', { status: 'not_enriched', reason: 'not_a_completion' }, 1, {
    event_type: 'course_enrollment',
  });
  await webhook('ent-a', ENRICHED, 1, {}, DEAD);
  await operator.run('adoption');
  expect(operator.world.printed()).toMatch(/^none: no completion of stage local was accepted since /);
});

test('of one integration and another time, as JSON', async () => {
  await fill();
  await operator.run('adoption', '--integration', 'acme', '--since', '210m', '--json');
  expect(operator.document()).toEqual({
    stage: 'local',
    since: '2026-01-15T08:30:00.000Z',
    until: null,
    enterprises: [
      {
        enterprise_customer_uuid: 'ent-b',
        ...{ with_learning_time: 1, flag_off: 0, without: 0 },
        first_with_learning_time: '2026-01-15T09:00:00.000Z',
      },
    ],
  });
});
