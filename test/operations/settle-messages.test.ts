import { describe, expect, test } from '@jest/globals';
import { factsOf } from '../../lambdas/ledger/late-outcome.ts';
import type { UnsettledOutcome } from '../../lambdas/ledger/unsettled-outcome.ts';
import {
  type DeadOutcome,
  type SettleMessagesServices,
  settleMessages,
} from '../../lambdas/operations/settle-messages.ts';
import { LedgerUnavailable } from '../../lambdas/shared/errors.ts';
import { METRICS } from '../../lambdas/shared/metric-definitions.ts';
import { delivery, ENRICHED, fakeCounter, fakeEvents, fakeLog, NOW } from '../support/factories.ts';

const OUTCOME: UnsettledOutcome = {
  ...{
    schema_version: 1,
    at: new Date(NOW).toISOString(),
    delivery: factsOf(delivery(ENRICHED)),
    lease: { kind: 'unseen' },
  },
  settlement: { progress: { enrichment: ENRICHED, attempt: 1, due_at: null, outcome: 'delivered' } },
};

function world(settle: SettleMessagesServices['settle']) {
  const log = fakeLog();
  const counter = fakeCounter();
  const events = fakeEvents();
  const deadLetters: DeadOutcome[] = [];
  const refused = new Set<string>();
  const handle = (...bodies: readonly string[]) =>
    settleMessages(
      bodies.map((body, index) => ({ id: `m${index}`, body })),
      {
        settle,
        async deadLetter(messages) {
          deadLetters.push(...messages);
          return refused;
        },
        events,
        log,
        counter,
        now: () => NOW,
      },
    );
  return { log, counter, events, deadLetters, refused, handle };
}

describe('a message of the outcomes queue', () => {
  test.each(['written', 'lost'] as const)('is acknowledged if its outcome is %s', async (settlement) => {
    const settled: UnsettledOutcome[] = [];
    const { handle, log, counter } = world(async (outcome) => {
      settled.push(outcome);
      return settlement;
    });
    expect(await handle(JSON.stringify(OUTCOME))).toEqual(new Map());
    expect(settled).toEqual([OUTCOME]);
    expect(counter.counts).toEqual({ [METRICS.outcomeSettled]: 1 });
    expect(log.only('outcome.settled')).toMatchObject({
      ...{ webhook_id: OUTCOME.delivery.webhook_id, outcome: 'delivered', is_overtaken: settlement === 'lost' },
    });
  });

  test.each([
    ['written', ['attempts_used_up']],
    ['lost', []],
    ['busy', []],
  ] as const)('has an operational event if it makes its delivery dead, and is %s', async (settlement, reasons) => {
    const { handle, events } = world(async () => settlement);
    const progress = { ...OUTCOME.settlement.progress, outcome: 'dead', dead_reason: 'attempts_used_up' } as const;
    await handle(JSON.stringify({ ...OUTCOME, settlement: { progress } }));
    const { webhook_id } = OUTCOME.delivery;
    expect(events.sent).toMatchObject(reasons.map((reason) => ({ detail: { webhook_id, reason } })));
    expect(events.sent).toHaveLength(reasons.length);
  });

  test('stays while a function may have a lease on its delivery', async () => {
    const { handle, counter } = world(async () => 'busy');
    expect([...(await handle(JSON.stringify(OUTCOME))).keys()]).toEqual(['m0']);
    expect(counter.counts).toEqual({});
  });

  test('stays while the table does not respond, and does not delay others', async () => {
    let asked = 0;
    const { handle, log } = world(async () => {
      asked += 1;
      if (asked === 1) throw new LedgerUnavailable('record: TimeoutError');
      return 'written';
    });
    const body = JSON.stringify(OUTCOME);
    expect(await handle(body, body)).toEqual(new Map([['m0', 'LedgerUnavailable']]));
    expect(log.only('outcome.not_settled')).toMatchObject({ message_id: 'm0', error: 'LedgerUnavailable' });
  });

  test.each(['', '{}', JSON.stringify({ ...OUTCOME, schema_version: 2 })])(
    'that is no outcome is dead-lettered: %j',
    async (body) => {
      const { handle, deadLetters, log } = world(() => Promise.reject(new Error('settled')));
      expect(await handle(body)).toEqual(new Map());
      expect(deadLetters).toEqual([{ id: 'm0', body, reason: 'not an outcome of schema version 1' }]);
      expect(log.messages()).toEqual(['outcome.rejected']);
    },
  );

  test('stays if its dead letter queue refuses it', async () => {
    const { handle, refused } = world(() => Promise.reject(new Error('settled')));
    refused.add('m0');
    expect(await handle('{}')).toEqual(new Map([['m0', 'QueueRefused']]));
  });
});
