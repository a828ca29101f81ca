import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { deadLetterMessage } from '../../lambdas/events/dead-letter.ts';
import { anyString } from '../support/arbitraries.ts';

describe('a dead-letter message', () => {
  test('has the unchanged body, and the reason as an attribute', () => {
    expect(
      deadLetterMessage({ id: 'm-1', body: '{', reason: 'not JSON', integrationId: 'acme', webhookId: 'wh_1' }),
    ).toEqual({
      id: 'm-1',
      body: '{',
      attributes: { reason: 'not JSON', integration_id: 'acme', webhook_id: 'wh_1' },
    });
  });

  test('has a reason that SQS accepts, for any text', () => {
    fc.assert(
      fc.property(anyString, (reason) => {
        const text = deadLetterMessage({ id: 'm-1', body: '', reason }).attributes?.reason ?? '';
        expect(text).toMatch(/^[\t\n\r\u{20}-\u{D7FF}\u{E000}-\u{FFFD}\u{10000}-\u{10FFFF}]{1,500}$/u);
      }),
    );
    const long = deadLetterMessage({ id: 'm-1', body: '', reason: 'x'.repeat(10_000) });
    expect(long.attributes?.reason).toHaveLength(500);
  });
});

describe('the publisher’s attributes and group', () => {
  const text = (stringValue: string) => ({ dataType: 'String', stringValue });
  const own = { reason: 'not JSON', integrationId: 'acme', webhookId: 'wh_1' };
  const messageWith = (carried: Record<string, ReturnType<typeof text>>, more: object = own) =>
    deadLetterMessage({ id: 'm-1', body: '{', reason: 'not JSON', carried, ...more });

  test('stay on the message', () => {
    const carried = { tenant: text('acme'), trace: { dataType: 'Binary', binaryValue: 'AP8=' } };
    const message = deadLetterMessage({ id: 'm-1', body: '{', reason: 'not JSON', carried, groupId: 'enterprise-1' });
    expect(message).toMatchObject({ attributes: { reason: 'not JSON' }, carried, groupId: 'enterprise-1' });
  });

  test('have none of our names, not even an unused one', () => {
    const carried = { reason: text('theirs'), webhook_id: text('of an earlier time'), tenant: text('acme') };
    const { attributes, carried: remaining } = messageWith(carried, { integrationId: undefined });
    expect(attributes).toEqual({ reason: 'not JSON' });
    expect(remaining).toEqual({ tenant: text('acme') });
  });

  test('are cut to ten attributes together with ours', () => {
    const ten = Object.fromEntries(Array.from({ length: 10 }, (_, index) => [`theirs_${index}`, text('x')]));
    expect(Object.keys(messageWith(ten).carried ?? {})).toEqual(Object.keys(ten).slice(0, 7));
    expect(Object.keys(messageWith(ten, {}).carried ?? {})).toEqual(Object.keys(ten).slice(0, 9));
  });
});
