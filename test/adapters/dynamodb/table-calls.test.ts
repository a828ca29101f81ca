import { describe, expect, test } from '@jest/globals';
import { inParallel, reach, unavailable } from '../../../lambdas/adapters/dynamodb/table-calls.ts';
import { LEARNER_DATA, serviceError } from '../../support/factories.ts';

async function* giving<T>(...values: T[]): AsyncGenerator<T> {
  for (const value of values) {
    await new Promise(setImmediate);
    yield value;
  }
}

async function* failing(): AsyncGenerator<number> {
  await new Promise(setImmediate);
  yield 1;
  throw new Error('no more');
}

describe('generators in parallel', () => {
  test('give all that each of them gives, each in its order', async () => {
    const given = await Array.fromAsync(inParallel([giving('a1', 'a2', 'a3'), giving<string>(), giving('b1', 'b2')]));
    expect(given.toSorted()).toEqual(['a1', 'a2', 'a3', 'b1', 'b2']);
    expect(given.filter((one) => one.startsWith('a'))).toEqual(['a1', 'a2', 'a3']);
  });

  test('fail where one of them fails', async () => {
    await expect(Array.fromAsync(inParallel([failing(), giving(1, 2, 3, 4)]))).rejects.toThrow('no more');
  });

  test('are no unhandled rejection when they fail after the consumer has stopped', async () => {
    for await (const _ of inParallel([failing(), failing()])) break;
    // An unhandled rejection would fail this test file.
    await new Promise(setImmediate);
    await new Promise(setImmediate);
  });
});

describe('a table that does not answer', () => {
  test('is named with what was asked and how it ended, without a value', () => {
    const cause = serviceError('ValidationException', LEARNER_DATA[0]);
    const failure = unavailable('replace', cause);
    expect(failure).toMatchObject({ name: 'LedgerUnavailable', message: 'replace: ValidationException', cause });
  });

  test('because nothing listens is named by the code that says so', () => {
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
