import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import * as errors from '../../lambdas/shared/errors.ts';
import { serviceError } from '../support/factories.ts';

const { errorFields, errorName, PipelineError, WarehouseUnavailable } = errors;

const LEAVES = Object.entries(errors).filter(([, value]) => value.prototype instanceof PipelineError);

describe('an error of our own', () => {
  test.each(LEAVES)('%s has its name as a literal: the workflow’s retriers match on it', (name, Leaf) => {
    const error = new (Leaf as typeof WarehouseUnavailable)('why');
    expect(error.name).toBe(name);
    expect(Object.keys(error)).toContain('name');
  });

  test('keeps its cause', () => {
    const cause = new Error('below');
    expect(new WarehouseUnavailable('above', { cause }).cause).toBe(cause);
  });
});

describe('what a log line says of something thrown', () => {
  test('quotes our own errors', () => {
    expect(errorFields(new WarehouseUnavailable('the deadline passed'))).toEqual({
      error: 'WarehouseUnavailable',
      error_message: 'the deadline passed',
    });
  });

  test('quotes AWS services', () => {
    expect(errorFields(serviceError('ThrottlingException', 'Rate exceeded'))).toEqual({
      error: 'ThrottlingException',
      error_message: 'Rate exceeded',
    });
  });

  test('names all others and quotes none: they may repeat what they choked on', () => {
    const thrown = thrownBy(() => JSON.parse('learner@example.com'));
    expect(String(thrown)).toContain('learner');
    expect(errorFields(thrown)).toEqual({ error: 'SyntaxError' });
    expect(errorFields(new TypeError('learner@example.com'))).toEqual({ error: 'TypeError' });
  });

  test('does not quote what the SDK could not read: it marks any error that passed through it', () => {
    const unreadable = new SyntaxError(`Unexpected token 'l', "learner@example.com" is not valid JSON`);
    const marked = Object.assign(unreadable, { $metadata: { attempts: 1, totalRetryDelay: 0 } });
    expect(JSON.stringify(errorFields(marked))).not.toContain('learner');
  });

  test('does not quote a cause', () => {
    const error = new WarehouseUnavailable('refused', { cause: new Error('learner@example.com') });
    expect(JSON.stringify(errorFields(error))).not.toContain('learner');
  });

  test('is cut where it is long', () => {
    expect(errorFields(new WarehouseUnavailable('x'.repeat(10_000))).error_message).toHaveLength(500);
  });

  test.each([[null], [undefined], ['text'], [5], [{}], [{ name: 5 }], [{ name: '' }]])(
    'has a name for %p',
    (thrown) => {
      expect(errorFields(thrown)).toEqual({ error: 'UnknownError' });
    },
  );

  test('fails for nothing that can be thrown', () => {
    fc.assert(fc.property(fc.anything(), (thrown) => expect(typeof errorName(thrown)).toBe('string')));
  });
});

function thrownBy(run: () => unknown): unknown {
  try {
    run();
  } catch (thrown) {
    return thrown;
  }
  throw new Error('nothing was thrown');
}
