import { describe, expect, test } from '@jest/globals';
import { reach, unavailable } from '../../../lambdas/adapters/dynamodb/unavailable.ts';
import { LEARNER_DATA, serviceError } from '../../support/factories.ts';

describe('a table that does not answer', () => {
  test('is named with what was asked and how it ended, without a value', () => {
    const cause = serviceError('ValidationException', LEARNER_DATA[0]);
    const failure = unavailable('replace', cause);
    expect(failure).toMatchObject({ name: 'LedgerUnavailable', message: 'replace: ValidationException', cause });
  });

  test('because nobody listens is named by the code that says so', () => {
    expect(unavailable('record', Object.assign(new Error('connect'), { code: 'ECONNREFUSED' })).message).toBe(
      'record: ECONNREFUSED',
    );
    expect(unavailable('record', new Error('connect')).message).toBe('record: Error');
    expect(unavailable('record', undefined).message).toBe('record: UnknownError');
  });

  test('is named once', async () => {
    const failure = unavailable('records', serviceError('ThrottlingException'));
    await expect(reach('accept', () => Promise.reject(failure))).rejects.toBe(failure);
  });
});
