import { describe, expect, test } from '@jest/globals';
import { findReasons } from '../../../commands/ledger/find-reasons.ts';
import { eachTest } from '../../support/each-test.ts';
import { DEAD, DELIVERED, startLedgerOperator } from './ledger-operator.ts';

const operator = eachTest(startLedgerOperator);

const deadWith = (reason: string) => ({ ...DEAD, progress: { outcome: 'dead', reason } }) as const;

const SPAN = { from: '2026-01-01T00:00:00.000Z', until: '2026-02-01T00:00:00.000Z' };
const ALL_DEAD = { state: 'dead', integrationId: undefined, span: SPAN } as const;

describe('ledger reasons', () => {
  test('groups dead deliveries by integration and reason', async () => {
    await operator.delivery({ event_id: '1' }, deadWith('3 attempts failed, the last with: HTTP 503'));
    const last = await operator.delivery({ event_id: '2' }, deadWith('8 attempts failed, the last with: HTTP 503'));
    await operator.delivery({ event_id: '3', integration_id: 'globex' }, DEAD);
    await operator.delivery({ event_id: '4' }, DELIVERED);
    expect(await operator.run('reasons', '--since', '1d', '--json')).toBe(0);
    const { groups, ...rest } = operator.document();
    expect(rest).toMatchObject({ stage: 'local', state: 'dead', total: 3, others: 0, rows_read: 4 });
    expect(groups).toMatchObject([
      { integration_id: 'acme', reason: '<number> attempts failed, the last with: HTTP 503', deliveries: 2 },
      { integration_id: 'globex', reason: 'HTTP 404', deliveries: 1 },
    ]);
    expect([last, (groups as { example: string }[])[0]?.example]).toContain(last);
  });

  test('prints a line for each group, and what is not shown', async () => {
    await operator.delivery({ event_id: '1' }, deadWith('HTTP 410'));
    await operator.delivery({ event_id: '2' }, deadWith('HTTP 410'));
    await operator.delivery({ event_id: '3' }, deadWith('HTTP 404'));
    expect(await operator.run('reasons', '--number', '1')).toBe(0);
    const [heading, columns, ...lines] = operator.world.printed().split('\n');
    expect(heading).toMatch(/^3 dead, of what stage local accepted since /);
    expect(columns).toMatch(/^deliveries {2}integration {2}first .* reason$/);
    expect(lines).toEqual([
      expect.stringMatching(/^ {9}2 {2}acme .* wh_[0-9a-f]{40} {2}HTTP 410$/),
      'and 1 delivery with other reasons: --number shows more groups',
    ]);
  });

  test('says that there are none', async () => {
    expect(await operator.run('reasons', '--state', 'parked')).toBe(0);
    expect(operator.world.printed()).toMatch(/^none is parked, of what stage local accepted since /);
  });
});

describe('a search for reasons', () => {
  test('reports the rows that it reads, and the groups so far', async () => {
    for (const event_id of ['1', '2', '3']) await operator.delivery({ event_id }, DEAD);
    const rows: number[] = [];
    const found = await findReasons(operator.table, ALL_DEAD, 10, {
      report(rowsRead, soFar) {
        rows.push(rowsRead);
        expect(soFar()).toMatchObject({ rows_read: rowsRead, days_read: 0, days: 1 });
      },
    });
    expect(rows.at(-1)).toBe(3);
    expect(found).toMatchObject({ total: 3, rows_read: 3, days_read: 1, days: 1 });
  });

  test('that is stopped returns what it has read', async () => {
    await operator.delivery({ event_id: '1' }, DEAD);
    operator.at(48);
    await operator.delivery({ event_id: '2' }, DEAD);
    const stop = new AbortController();
    const report = (rowsRead: number) => {
      if (rowsRead > 0) stop.abort();
    };
    const found = await findReasons(operator.table, ALL_DEAD, 10, { report, signal: stop.signal });
    expect(found).toMatchObject({ total: 1, rows_read: 1, days_read: 0, days: 2 });
  });
});
