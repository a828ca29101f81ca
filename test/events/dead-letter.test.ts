import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { deadLetterMessage } from '../../lambdas/events/dead-letter.ts';
import { anyString } from '../support/arbitraries.ts';

describe('a dead letter', () => {
  test('has the body as it came, and beside it why it is there', () => {
    expect(
      deadLetterMessage({ id: 'm-1', body: '{', reason: 'not JSON', integrationId: 'acme', webhookId: 'wh_1' }),
    ).toEqual({
      id: 'm-1',
      body: '{',
      attributes: { reason: 'not JSON', integration_id: 'acme', webhook_id: 'wh_1' },
    });
  });

  test('says nothing of an integration or a webhook that nobody knows', () => {
    expect(deadLetterMessage({ id: 'm-1', body: '{', reason: 'not JSON' }).attributes).toEqual({ reason: 'not JSON' });
  });

  test('has a reason that SQS takes, whatever it was', () => {
    fc.assert(
      fc.property(anyString, (reason) => {
        const text = deadLetterMessage({ id: 'm-1', body: '', reason }).attributes?.reason ?? '';
        expect(text).toMatch(/^[\t\n\r\u{20}-\u{D7FF}\u{E000}-\u{FFFD}\u{10000}-\u{10FFFF}]{1,500}$/u);
      }),
    );
  });

  test('has a reason of at most 500 characters', () => {
    const long = deadLetterMessage({ id: 'm-1', body: '', reason: 'x'.repeat(10_000) });
    expect(long.attributes?.reason).toHaveLength(500);
  });

  test('has the reason word for word where SQS takes it', () => {
    const reason = 'course_id: más de 255 字';
    expect(deadLetterMessage({ id: 'm-1', body: '', reason }).attributes?.reason).toBe(reason);
    expect(deadLetterMessage({ id: 'm-1', body: '', reason: '' }).attributes?.reason).toBe('unknown');
  });
});

describe('what the publisher set on a message', () => {
  const text = (stringValue: string) => ({ dataType: 'String', stringValue });
  const own = { reason: 'not JSON', integrationId: 'acme', webhookId: 'wh_1' };
  const letterWith = (carried: Record<string, ReturnType<typeof text>>, more: object = own) =>
    deadLetterMessage({ id: 'm-1', body: '{', reason: 'not JSON', carried, ...more });

  test('stays with it: its attributes and its group', () => {
    const carried = { tenant: text('acme'), trace: { dataType: 'Binary', binaryValue: 'AP8=' } };
    const letter = deadLetterMessage({ id: 'm-1', body: '{', reason: 'not JSON', carried, groupId: 'enterprise-1' });
    expect(letter).toMatchObject({ attributes: { reason: 'not JSON' }, carried, groupId: 'enterprise-1' });
  });

  test('has no name of ours, not even one that this message does not need', () => {
    const carried = { reason: text('theirs'), webhook_id: text('of an earlier time'), tenant: text('acme') };
    const { attributes, carried: kept } = letterWith(carried, { integrationId: undefined });
    expect(attributes).toEqual({ reason: 'not JSON' });
    expect(kept).toEqual({ tenant: text('acme') });
  });

  test('comes to ten attributes with ours at the most, its first ones', () => {
    const ten = Object.fromEntries(Array.from({ length: 10 }, (_, index) => [`theirs_${index}`, text('x')]));
    expect(Object.keys(letterWith(ten).carried ?? {})).toEqual(Object.keys(ten).slice(0, 7));
    expect(Object.keys(letterWith(ten, {}).carried ?? {})).toEqual(Object.keys(ten).slice(0, 9));
  });
});
