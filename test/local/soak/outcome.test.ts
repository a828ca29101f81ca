import { describe, expect, test } from '@jest/globals';
import type { OnReceipt } from '../../../local/demo/partner.ts';
import { count, describeSoak, isSound, type SoakOutcome, startTally } from '../../../local/soak/outcome.ts';

type Receipt = Parameters<OnReceipt>[0];
const SECOND = 1000;

/** What partners answered, in the order of time: webhook, second, status. */
function tallyOf(answers: readonly (readonly [id: string, second: number, status: number | 'hang'])[]) {
  const tally = startTally();
  for (const [id, second, status] of answers) {
    const received_at = new Date(second * SECOND).toISOString();
    tally.record({ headers: { 'webhook-id': id }, received_at } as unknown as Receipt, status);
  }
  return tally;
}

const published = { webhookIds: new Map([['skillsoft', ['wh_1', 'wh_2']]]), messages: 2 };

describe('what partners counted', () => {
  test('is what they answered with 2xx: refused and unanswered webhooks are missing', () => {
    const tally = tallyOf([
      ['wh_1', 0, 204],
      ['wh_2', 0, 503],
      ['wh_2', 1, 'hang'],
    ]);
    expect(count(published, tally)).toEqual({ missing: ['wh_2'], strangers: [], repeated: [], tooSoon: [] });
    expect(tally.refused.get('wh_2')).toBe(2);
  });

  test('shows webhooks that were not published', () => {
    expect(count(published, tallyOf([['wh_9', 0, 200]]))).toMatchObject({ strangers: ['wh_9'] });
  });

  test('shows repeats, and those that came again before a lease could end', () => {
    const tally = tallyOf([
      ['wh_1', 0, 200],
      ['wh_1', 41, 200],
      ['wh_2', 0, 200],
      ['wh_2', 41, 200],
      ['wh_2', 42, 200],
    ]);
    expect(count(published, tally)).toMatchObject({ repeated: ['wh_1', 'wh_2'], tooSoon: ['wh_2'] });
  });
});

describe('a soak', () => {
  const states = { delivered: 2, scheduled: 0, parked: 0, dead: 0, filtered: 0, cancelled: 0 };
  const balance = {
    ...{ from: '2026-01-15T00:00:00.000Z', until: '2026-01-15T12:00:00.000Z', integrations: 1, accepted: 2, states },
    ...{ in_flight: 0, unbalanced: 0, is_balanced: true, stuck: [], released: 0, ended: 0, resent: 0, failed: 0 },
    ...{ is_dry_run: false, is_complete: true, outcomes_waiting: 0 },
  };
  const outcome: SoakOutcome = {
    ...{ events: 2, messages: 2, kills: 1, unseen: 0, redriven: [1, 1], deadLetters: 0, resent: 0, balance },
    ...{ missing: [], strangers: [], repeated: [], tooSoon: [] },
  };

  test('is sound where everything arrived, and the ledger says the same', () => {
    expect(isSound(outcome)).toBe(true);
    expect(describeSoak(outcome)).toContain('Sound: no event is lost');
  });

  test.each<[string, Partial<SoakOutcome>]>([
    ['a webhook is missing', { missing: ['wh_1'] }],
    ['a webhook was not published', { strangers: ['wh_9'] }],
    ['a webhook came again at once', { repeated: ['wh_1'], tooSoon: ['wh_1'] }],
    ['a webhook was repeated without a kill', { kills: 0, repeated: ['wh_1'] }],
    ['the ledger knows fewer', { balance: { ...balance, accepted: 1, states: { ...states, delivered: 1 } } }],
    ['one is dead', { balance: { ...balance, states: { ...states, delivered: 1, dead: 1 } } }],
    ['it does not balance', { balance: { ...balance, unbalanced: 1, is_balanced: false } }],
    ['not all was looked at', { balance: { ...balance, is_complete: false } }],
  ])('is not where %s', (_, change) => {
    expect(isSound({ ...outcome, ...change })).toBe(false);
    expect(describeSoak({ ...outcome, ...change })).toContain('NOT SOUND');
  });

  test('excuses a repeat after a kill', () => {
    expect(isSound({ ...outcome, repeated: ['wh_1'] })).toBe(true);
  });

  test('excuses a repeat where a function could not ask the ledger, and says so', () => {
    const without = { ...outcome, kills: 0, unseen: 2, repeated: ['wh_1'], tooSoon: ['wh_1'] };
    expect(isSound(without)).toBe(true);
    expect(describeSoak(without)).toContain('continued without the ledger 2 times');
  });
});
