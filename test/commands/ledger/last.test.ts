import { expect, test } from '@jest/globals';
import { eachTest } from '../../support/each-test.ts';
import { DEAD, DELIVERED, SCHEDULED, startLedgerOperator } from './ledger-operator.ts';

const operator = eachTest(startLedgerOperator);

const at = (hoursAgo: number) => operator.at(hoursAgo);

test('the last ones of one integration, over as many days as it takes, in whatever state they are', async () => {
  at(24 * 390);
  await operator.webhook({ event_id: 'very-old' }, DELIVERED);
  at(30);
  const old = await operator.webhook({ event_id: 'old' }, DELIVERED);
  at(3);
  const dead = await operator.webhook({ event_id: 'dead' }, DEAD);
  await operator.webhook({ event_id: 'other', integration_id: 'globex' }, DELIVERED);
  at(2);
  const scheduled = await operator.webhook({ event_id: 'scheduled' }, SCHEDULED);
  at(1);
  const { webhook_id: accepted } = await operator.accept({ event_id: 'accepted' });
  at(0);
  expect(await operator.run('last', '--integration', 'acme', '--number', '4')).toBe(0);
  expect(
    operator.world.printed(),
  ).toBe(`accepted              webhook                                      type               state      since                 due                   attempts  reason
2026-01-15T11:00:00Z  ${accepted}  -                  accepted   2026-01-15T11:00:00Z  -                     0         -
2026-01-15T10:00:00Z  ${scheduled}  course_completion  scheduled  2026-01-15T10:00:00Z  2026-01-15T12:01:00Z  1         HTTP 503
2026-01-15T09:00:00Z  ${dead}  course_completion  dead       2026-01-15T09:00:00Z  -                     1         HTTP 404
2026-01-14T06:00:00Z  ${old}  course_completion  delivered  2026-01-14T06:00:00Z  -                     1         HTTP 200`);
  await operator.run('last', '--integration', 'acme');
  expect(operator.world.printed()).toContain('2024-12-21T12:00:00Z');
});

test('what nobody has claimed pushes older ones out, not the other way round', async () => {
  const ids: string[] = [];
  for (const [position, left] of [DELIVERED, undefined, DELIVERED, undefined, undefined].entries()) {
    at(10 - position);
    const event_id = `${position}`;
    ids.unshift(left ? await operator.webhook({ event_id }, left) : (await operator.accept({ event_id })).webhook_id);
  }
  at(0);
  for (const number of [1, 2, 3, 4, 5]) {
    await operator.run('last', '--integration', 'acme', '--number', String(number), '--json');
    const { webhooks } = JSON.parse(operator.world.printed().split('\n').at(-1) ?? '');
    expect(webhooks.map(({ webhook_id }: { webhook_id: string }) => webhook_id)).toEqual(ids.slice(0, number));
  }
});

test('none: says so, and names the integrations there are', async () => {
  await operator.webhook({}, DELIVERED);
  expect(await operator.run('last', '--integration', 'acmee')).toBe(0);
  expect(operator.world.printed()).toMatch(
    /^none: no webhook of integration acmee .*\nthe ledger has webhooks of acme/,
  );
});

test('none at all', async () => {
  expect(await operator.run('last', '--integration', 'acme')).toBe(0);
  expect(operator.world.printed()).toContain('the ledger has nothing at all from that time');
});
