import { expect, test } from '@jest/globals';
import { resolveIds } from '../../../commands/shared/resolve-ids.ts';
import type { Stage } from '../../../commands/shared/stage.ts';
import { eventOf } from '../../../lambdas/ledger/transitions.ts';
import { NOW, subject } from '../../support/factories.ts';
import { createMemoryLedger } from '../../support/memory-ledger.ts';

/** Two that start with the same digits, of different integrations and days, and one whose payload is not held. */
const ONE = 'wh_0123456789000000000000000000000000000000';
const OTHER = 'wh_0123456abc000000000000000000000000000000';
const OLD = 'wh_fedcba0000000000000000000000000000000000';

async function resolve(...ids: readonly string[]) {
  const table = createMemoryLedger();
  const put = (webhook_id: string, event_id: string, daysAgo: number, integration_id = 'acme') => {
    const accepted_at = new Date(NOW - daysAgo * 24 * 3600_000).toISOString();
    return table.putEvents([eventOf(subject({ webhook_id, event_id, integration_id, accepted_at }), NOW)]);
  };
  await put(ONE, '1', 2);
  await put(OTHER, '2', 0, 'globex');
  await put(OLD, '3', 8);
  return resolveIds(ids, { table, stage: { name: 'local', output: () => '7' } as unknown as Stage, now: () => NOW });
}

test('an id that is cut short becomes a whole one; whole ones, and what is no start of an id, stay', async () => {
  expect(await resolve(ONE.slice(0, 11), OTHER, 'wh_01234', OTHER.slice(0, 39))).toEqual([
    ...[ONE, OTHER, 'wh_01234', OTHER],
  ]);
});

test.each([
  ['wh_012345', `wh_012345 is the start of 2 ids:\n  ${ONE}\n  ${OTHER}`],
  [OLD.slice(0, 10), expect.stringMatching(/in the last 7 days has an id that starts with wh_fedcba0: /)],
])('%s starts several, or none', async (prefix, message) => {
  await expect(resolve(prefix)).rejects.toMatchObject({ name: 'CommandFailed', message });
});
