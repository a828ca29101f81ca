import { describe, expect, test } from '@jest/globals';
import { runProgram } from '../../../commands/main.ts';
import type { Enrichment } from '../../../lambdas/events/delivery.ts';
import { DELIVERY_STATES } from '../../../lambdas/ledger/record.ts';
import { eachTest } from '../../support/each-test.ts';
import { ENRICHED, NOT_ENRICHED } from '../../support/factories.ts';
import { startOperatorWorld } from '../operator-world.ts';
import { DEAD, DELIVERED, type Left, PARKED, SCHEDULED, startLedgerOperator } from './ledger-operator.ts';

const operator = eachTest(startLedgerOperator);

const at = (hoursAgo: number) => operator.at(hoursAgo);
const lastDocument = () => JSON.parse(operator.world.printed().split('\n').at(-1) ?? '');
const lastLine = (pattern: RegExp) =>
  operator.world
    .printed()
    .split('\n')
    .findLast((line) => pattern.test(line));

test('count: each delivery once, by integration and state, whether a record lists it or only its event', async () => {
  at(30);
  await operator.delivery({ event_id: 'yesterday' }, DELIVERED);
  at(1);
  for (const event_id of ['2', '3']) await operator.delivery({ event_id }, DELIVERED);
  await operator.delivery({ event_id: '4' }, DEAD);
  await operator.delivery({ event_id: '5' }, SCHEDULED);
  await operator.delivery({ event_id: '6', integration_id: 'globex' }, PARKED);
  await operator.claim(await operator.accept({ event_id: '7' }));
  await operator.accept({ event_id: '8' });
  at(0);
  expect(await operator.run('count')).toBe(0);
  expect(operator.world.printed()).toBe(`what stage local accepted since 2026-01-14T12:00:00Z
integration  accepted  delivering  scheduled  parked  delivered  dead  filtered  cancelled  total
acme                1           1          1       0          2     1         0          0      6
globex              0           0          0       1          0     0         0          0      1
total               1           1          1       1          2     1         0          0      7`);
  await operator.run('count', '--since', '2d', '--until', '2h');
  expect(operator.world.printed()).toMatch(/acme +0 +0 +0 +0 +1 +0 +0 +0 +1$/);
  await operator.run('count', '--integration', 'globex', '--since', '7d', '--json');
  const states = { ...Object.fromEntries(DELIVERY_STATES.map((state) => [state, 0])), parked: 1 };
  expect(lastDocument()).toEqual({
    ...{ stage: 'local', since: '2026-01-08T12:00:00.000Z', until: null },
    ...{ integrations: [{ integration_id: 'globex', states, total: 1 }], states, total: 1 },
  });
});

test('adoption: which enterprises have learning time, since when, and why others have none', async () => {
  const OFF = { status: 'not_enriched', reason: 'flag_off' } as const;
  const made: string[] = [];
  const delivery = async (ent: string, enrichment: Enrichment, hoursAgo: number, more = {}, left: Left = DELIVERED) => {
    at(hoursAgo);
    const subject = { event_id: `event-${made.length}`, enterprise_customer_uuid: ent, ...more };
    made.push(await operator.delivery(subject, { ...left, progress: { ...left.progress, enrichment } }));
    at(0);
  };
  // Neither is a completion that was delivered.
  await delivery('ent-c', { status: 'not_enriched', reason: 'not_a_completion' }, 1, {
    event_type: 'course_enrollment',
  });
  await delivery('ent-c', ENRICHED, 1, {}, DEAD);
  await operator.run('adoption');
  expect(operator.world.printed()).toMatch(/^none: no completion of stage local was accepted since /);
  await delivery('ent-b', OFF, 5);
  await delivery('ent-b', ENRICHED, 3);
  await delivery('ent-b', ENRICHED, 2, { integration_id: 'globex' });
  await delivery('ent-a', NOT_ENRICHED, 4);
  await delivery('ent-a', OFF, 4);
  expect(await operator.run('adoption')).toBe(0);
  expect(
    operator.world.printed(),
  ).toContain(`completions that stage local accepted since 2026-01-08T12:00:00Z and delivered
enterprise  with learning time  flag off  without  first with
ent-a       0                   1         1        never
ent-b       2                   1         0        2026-01-15T09:00:00Z`);
  await operator.run('adoption', '--integration', 'acme', '--since', '210m', '--json');
  expect(lastDocument()).toEqual({
    ...{ stage: 'local', since: '2026-01-15T08:30:00.000Z', until: null },
    enterprises: [
      {
        enterprise_customer_uuid: 'ent-b',
        ...{ with_learning_time: 1, flag_off: 0, without: 0 },
        first_with_learning_time: '2026-01-15T09:00:00.000Z',
      },
    ],
  });
});

describe('last', () => {
  test('the last ones of one integration, over as many days as it takes, in whatever state they are', async () => {
    at(24 * 390);
    await operator.delivery({ event_id: 'very-old' }, DELIVERED);
    at(30);
    const old = await operator.delivery({ event_id: 'old' }, DELIVERED);
    at(3);
    await operator.delivery({ event_id: 'other', integration_id: 'globex' }, DELIVERED);
    at(2);
    const scheduled = await operator.delivery({ event_id: 'scheduled' }, SCHEDULED);
    at(1);
    const { webhook_id: accepted } = await operator.accept({ event_id: 'accepted' });
    at(0);
    expect(await operator.run('last', '--integration', 'acme', '--number', '3')).toBe(0);
    expect(
      operator.world.printed(),
    ).toBe(`accepted              delivery                                     type               state      since                 due                   attempts  reason
2026-01-15T11:00:00Z  ${accepted}  -                  accepted   2026-01-15T11:00:00Z  -                     0         -
2026-01-15T10:00:00Z  ${scheduled}  course_completion  scheduled  2026-01-15T10:00:00Z  2026-01-15T12:01:00Z  1         HTTP 503
2026-01-14T06:00:00Z  ${old}  course_completion  delivered  2026-01-14T06:00:00Z  -                     1         HTTP 200`);
    await operator.run('last', '--integration', 'acme');
    expect(operator.world.printed()).toContain('2024-12-21T12:00:00Z');
  });

  test('what no function has claimed pushes older ones out, not the other way round', async () => {
    const ids: string[] = [];
    for (const [position, left] of [DELIVERED, undefined, DELIVERED, undefined, undefined].entries()) {
      at(10 - position);
      const event_id = `${position}`;
      ids.unshift(
        left ? await operator.delivery({ event_id }, left) : (await operator.accept({ event_id })).webhook_id,
      );
    }
    at(0);
    for (const number of [2, 3, 4]) {
      await operator.run('last', '--integration', 'acme', '--number', String(number), '--json');
      const { deliveries } = lastDocument();
      expect(deliveries.map(({ webhook_id }: { webhook_id: string }) => webhook_id)).toEqual(ids.slice(0, number));
    }
  });

  test('none: says so, and names the integrations there are', async () => {
    expect(await operator.run('last', '--integration', 'acme')).toBe(0);
    expect(operator.world.printed()).toContain('the ledger has nothing at all from that time');
    await operator.delivery({}, DELIVERED);
    await operator.run('last', '--integration', 'acmee');
    expect(operator.world.printed()).toMatch(
      /\nnone: no delivery of integration acmee .*\nthe ledger has deliveries of acme/,
    );
  });
});

describe('list', () => {
  test('all in a state, the latest first; narrowed down by integration, time, reason and number', async () => {
    const ids: string[] = [];
    for (const [hoursAgo, integration_id, reason] of [
      [40, 'acme', 'HTTP 404'],
      [20, 'globex', 'the certificate\nhas expired'],
      [10, 'acme', 'HTTP 410'],
    ] as const) {
      at(hoursAgo);
      const progress = { outcome: 'dead', reason } as const;
      ids.unshift(await operator.delivery({ event_id: `${hoursAgo}`, integration_id }, { ...DEAD, progress }));
    }
    await operator.delivery({ event_id: 'delivered' }, DELIVERED);
    at(0);
    const list = (...words: readonly string[]) => operator.run('list', '--state', 'dead', ...words);
    expect(await list()).toBe(0);
    expect(operator.world.printed()).toBe(`3 dead, of what stage local accepted since 2025-12-31T12:00:00Z
delivery                                     integration  type               accepted              since                 attempts  reason
${ids[0]}  acme         course_completion  2026-01-15T02:00:00Z  2026-01-15T02:00:00Z  1         HTTP 410
${ids[1]}  globex       course_completion  2026-01-14T16:00:00Z  2026-01-14T16:00:00Z  1         the certificate has expired
${ids[2]}  acme         course_completion  2026-01-13T20:00:00Z  2026-01-13T20:00:00Z  1         HTTP 404`);
    const count = async (...words: readonly string[]) => {
      await list(...words);
      return lastLine(/ dead, of what |^none/)?.split(' ')[0];
    };
    expect(await count('--integration', 'acme')).toBe('2');
    expect(await count('--since', '15h')).toBe('1');
    expect(await count('--until', '15h')).toBe('2');
    expect(await count('--error', 'teapot')).toBe('none:');
    expect(lastLine(/^none/)).toContain('none: no dead delivery whose reason contains “teapot” of stage local');
    expect(await count('--number', '1')).toBe('3');
    expect(operator.world.printed()).toMatch(/and 2 more, accepted before these: --number shows more.*$/);
    await list('--error', '410', '--json');
    expect(lastDocument()).toMatchObject({
      ...{ stage: 'local', state: 'dead', until: null, total: 1 },
      deliveries: [{ webhook_id: ids[0], state: 'dead', reason: 'HTTP 410' }],
    });
  });

  test('those that no record lists, found by their events: never claimed, and claimed for the first time', async () => {
    const { webhook_id: unclaimed } = await operator.accept({ event_id: '1' });
    const { webhook_id: claimed } = (await operator.claim(await operator.accept({ event_id: '2' }))).delivery;
    await operator.delivery({ event_id: '3' }, SCHEDULED);
    for (const [state, id] of [
      ['accepted', unclaimed],
      ['delivering', claimed],
    ] as const) {
      await operator.run('list', '--state', state, '--json');
      expect(lastDocument()).toMatchObject({ total: 1, deliveries: [{ webhook_id: id }] });
    }
  });
});

test('a span that ends before it begins is a usage error, and asks the table nothing', async () => {
  await expect(operator.run('count', '--until', '2d')).rejects.toMatchObject({ name: 'UsageError' });
  expect(operator.front.calls).toEqual([]);
});

test('a table that denies the call is one line, for every command', async () => {
  const answer = {
    __type: 'com.amazon.coral.service#AccessDeniedException',
    message: 'not authorized: dynamodb:Query',
  };
  operator.front.behave({ status: 400, answer });
  for (const words of [['count'], ['last', '--integration', 'acme'], ['forget', '--user-id', '42', '--yes']]) {
    await expect(operator.run(...words)).rejects.toMatchObject({
      ...{ name: 'CommandFailed', message: 'AWS denies the call: not authorized: dynamodb:Query' },
    });
  }
});

test.each([
  [{}, /no output LedgerTableName: start the platform again/],
  [
    { LedgerTableName: 'ledger', LedgerPayloadDays: '30', LedgerFactsDays: 'soon' },
    /LedgerFactsDays .* is no number of days: soon/,
  ],
])('a stage with the outputs %j is too old', async (outputs, message) => {
  const world = await startOperatorWorld({ outputs });
  const counted = runProgram(['ledger', 'count'], world.context);
  await expect(counted).rejects.toMatchObject({ name: 'CommandFailed', message: expect.stringMatching(message) });
  await world.close();
});
