import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { createReasonGroups, patternOf } from '../../../commands/ledger/group-reasons.ts';

const anyDelivery = fc.record({
  webhook_id: fc.uuid(),
  integration_id: fc.constantFrom('acme', 'globex', 'initech'),
  changed_at: fc
    .date({ min: new Date('2026-01-01'), max: new Date('2026-02-01'), noInvalidDate: true })
    .map((at) => at.toISOString()),
  reason: fc.option(
    fc.oneof(
      fc.constantFrom('HTTP 410', 'HTTP 500', '', '<script>alert(1)</script>'),
      fc.nat().map((count) => `${count} attempts failed, the last with: HTTP 503`),
    ),
    { nil: undefined },
  ),
});
type Added = Parameters<ReturnType<typeof createReasonGroups>['add']>[0];

const withReason = ({ reason, ...delivery }: { reason: string | undefined } & Omit<Added, 'reason'>): Added =>
  reason === undefined ? delivery : { ...delivery, reason };

function grouped(deliveries: readonly Added[], most?: { readonly all: number; readonly ofOne: number }) {
  const groups = createReasonGroups(most);
  for (const delivery of deliveries) groups.add(delivery);
  return groups;
}

describe('groups of reasons', () => {
  test('hold each delivery once, and the first, the last, and the number of their own', () => {
    fc.assert(
      fc.property(fc.array(anyDelivery.map(withReason), { maxLength: 60 }), (deliveries) => {
        const { groups, others, total } = grouped(deliveries).grouped();
        expect({ others, total }).toEqual({ others: 0, total: deliveries.length });
        expect(groups.reduce((sum, group) => sum + group.deliveries, 0)).toBe(deliveries.length);
        const keys = groups.map(({ integration_id, reason }) => `${integration_id} ${reason}`);
        expect(new Set(keys).size).toBe(keys.length);
        for (const { integration_id, reason, ...group } of groups) {
          const own = deliveries.filter((one) => one.integration_id === integration_id && patternOf(one) === reason);
          const times = own.map(({ changed_at }) => changed_at).toSorted();
          expect(group).toMatchObject({ deliveries: own.length, first_at: times[0], last_at: times.at(-1) });
          expect(own.find(({ webhook_id }) => webhook_id === group.example)?.changed_at).toBe(times.at(-1));
        }
      }),
    );
  });

  test('are the same in whatever order the ledger lists deliveries, the largest first', () => {
    fc.assert(
      fc.property(fc.array(anyDelivery.map(withReason), { maxLength: 30 }), (deliveries) => {
        const withoutExamples = (some: readonly Added[]) =>
          grouped(some)
            .grouped()
            .groups.map(({ example: _, ...group }) => group);
        const sizes = withoutExamples(deliveries).map((group) => group.deliveries);
        expect(sizes).toEqual(sizes.toSorted((one, other) => other - one));
        expect(withoutExamples(deliveries.toReversed())).toEqual(withoutExamples(deliveries));
      }),
    );
  });

  test('are as many as fit, also with a million different reasons: the others are counted', () => {
    const groups = createReasonGroups();
    for (let count = 0; count < 1_000_000; count += 1) {
      // No pattern makes these the same.
      const reason = `failed as ${count.toString(26).replaceAll(/\d/g, (digit) => 'qrstuvwxyz'.charAt(Number(digit)))}`;
      groups.add({
        ...{ webhook_id: `wh_${count}`, integration_id: `partner-${count % 3}`, reason },
        changed_at: '2026-01-15T12:00:00.000Z',
      });
    }
    const found = groups.grouped();
    expect(found).toMatchObject({ total: 1_000_000, others: 1_000_000 - 300 });
    expect(found.groups).toHaveLength(300);
  });

  test('of one integration leave room for those of another', () => {
    const at = { changed_at: '2026-01-15T12:00:00.000Z', webhook_id: 'wh_1' };
    const noisy = ['a', 'b', 'c', 'd'].map((reason) => ({ ...at, integration_id: 'acme', reason }));
    const found = grouped([...noisy, { ...at, integration_id: 'globex', reason: 'a' }], { all: 3, ofOne: 2 }).grouped();
    expect(found.groups.map(({ integration_id, reason }) => [integration_id, reason])).toEqual([
      ['acme', 'a'],
      ['acme', 'b'],
      ['globex', 'a'],
    ]);
    expect(found.others).toBe(2);
  });

  test('that are not shown are counted with the others', () => {
    const at = { changed_at: '2026-01-15T12:00:00.000Z', webhook_id: 'wh_1', integration_id: 'acme' };
    const groups = grouped(['a', 'b', 'b', 'c'].map((reason) => ({ ...at, reason })));
    expect(groups.grouped(1)).toMatchObject({ groups: [{ reason: 'b', deliveries: 2 }], others: 2, total: 4 });
  });
});
