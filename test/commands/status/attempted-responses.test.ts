import { expect, test } from '@jest/globals';
import { attemptedResponses } from '../../../commands/status/attempted-responses.ts';
import type { ListedDelivery } from '../../../lambdas/ledger/ports.ts';
import type { Attempt, LedgerRecord } from '../../../lambdas/ledger/record.ts';

const parked = (webhook_id: string, changed_at: string, more: Partial<ListedDelivery> = {}) =>
  ({
    ...{ webhook_id, integration_id: 'acme', state: 'parked', reason: 'parked: integration acme is failing' },
    ...{ attempt: 1, changed_at, ...more },
  }) as ListedDelivery;

/** A table with the attempts of deliveries, and the ids that it was asked for. */
function tableOf(attempts: Readonly<Record<string, readonly Partial<Attempt>[]>>) {
  const asked: string[] = [];
  const records = async (webhookIds: readonly string[]) => {
    asked.push(...webhookIds);
    const found = webhookIds.filter((id) => attempts[id] !== undefined);
    return new Map(found.map((id) => [id, { attempts: attempts[id] } as unknown as LedgerRecord]));
  };
  return { asked, records };
}

test('where every reason is the limiter’s, it is that of the last attempt', async () => {
  const table = tableOf({
    a: [
      { at: '2026-01-15T11:01:00Z', error: 'HTTP 500' },
      { at: '2026-01-15T11:05:00Z', error: 'no response: TIMEOUT' },
    ],
    b: [{ at: '2026-01-15T11:03:00Z', error: 'HTTP 503' }],
  });
  const listed = [parked('a', '2026-01-15T11:06:00Z'), parked('b', '2026-01-15T11:04:00Z')];
  expect(await attemptedResponses(table, new Map([['acme', listed]]))).toEqual(
    new Map([['acme', { text: 'no response: TIMEOUT', at: '2026-01-15T11:05:00Z' }]]),
  );
});

test('an attempt that the partner accepted has its status', async () => {
  const table = tableOf({ a: [{ at: '2026-01-15T11:01:00Z', status: 204 }] });
  const responses = await attemptedResponses(table, new Map([['acme', [parked('a', '2026-01-15T11:02:00Z')]]]));
  expect(responses.get('acme')).toEqual({ text: 'HTTP 204', at: '2026-01-15T11:01:00Z' });
});

test('nothing is read where a reason names the response, or nothing was attempted', async () => {
  const table = tableOf({});
  const deliveries = new Map([
    ['acme', [parked('a', '2026-01-15T11:02:00Z', { reason: 'HTTP 503' })]],
    ['globex', [parked('b', '2026-01-15T11:02:00Z', { attempt: 0 })]],
    ['initech', []],
  ]);
  expect(await attemptedResponses(table, deliveries)).toEqual(new Map());
  expect(table.asked).toEqual([]);
});

test('at most five deliveries of an integration are read, each once: those that changed last', async () => {
  const table = tableOf({});
  const listed = Array.from({ length: 9 }, (_, index) => parked(`d${index}`, `2026-01-15T11:0${index}:00Z`));
  await attemptedResponses(table, new Map([['acme', [...listed, ...listed]]]));
  expect(table.asked).toEqual(['d8', 'd7', 'd6', 'd5', 'd4']);
});
