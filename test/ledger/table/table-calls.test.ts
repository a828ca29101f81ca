import { describe, expect, test } from '@jest/globals';
import { inParallel, isTableFault, reach, unavailable } from '../../../lambdas/ledger/table/table-calls.ts';
import { LEARNER_DATA, serviceError } from '../../support/factories.ts';

async function* failing(): AsyncGenerator<number> {
  await new Promise(setImmediate);
  yield 1;
  throw new Error('no more');
}

test('a generator in parallel with others that fails after the consumer has stopped is no unhandled rejection', async () => {
  for await (const _ of inParallel([failing(), failing()])) break;
  // An unhandled rejection would fail this test file.
  await new Promise(setImmediate);
  await new Promise(setImmediate);
});

describe('a table that does not respond', () => {
  test('is reported with operation and error, without a value', () => {
    const cause = serviceError('ValidationException', LEARNER_DATA[0]);
    const failure = unavailable('replace', cause);
    expect(failure).toMatchObject({ name: 'LedgerUnavailable', message: 'replace: ValidationException', cause });
  });

  test('because nothing listens is reported by its error code', () => {
    expect(unavailable('record', Object.assign(new Error('connect'), { code: 'ECONNREFUSED' })).message).toBe(
      'record: ECONNREFUSED',
    );
    expect(unavailable('record', new Error('connect')).message).toBe('record: Error');
    expect(unavailable('record', undefined).message).toBe('record: UnknownError');
  });

  test('is reported once', async () => {
    const failure = unavailable('records', serviceError('ThrottlingException'));
    await expect(reach('accept', () => Promise.reject(failure))).rejects.toBe(failure);
  });
});

describe('a fault of the table, which opens the circuit breaker', () => {
  test.each([
    ['ProvisionedThroughputExceededException', false],
    ['ThrottlingException', false],
    ['RequestLimitExceeded', false],
    ['ValidationException', false],
    ['SerializationException', false],
    ['InternalServerError', true],
    ['ResourceNotFoundException', true],
    ['AccessDeniedException', true],
  ])('%s: %s, since it is about one call or about all', (name, isFault) => {
    expect(isTableFault(unavailable('record', serviceError(name)))).toBe(isFault);
  });
});
