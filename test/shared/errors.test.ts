import { describe, expect, test } from '@jest/globals';
import * as errors from '../../lambdas/shared/errors.ts';
import { serviceError } from '../support/factories.ts';

const { errorFields, PipelineError, WarehouseUnavailable } = errors;

const LEAVES = Object.entries(errors).filter(([, value]) => value.prototype instanceof PipelineError);

describe('an error of our own', () => {
  test.each(LEAVES)('%s has its name as a literal: the workflow’s retriers match on it', (name, Leaf) => {
    const error = new (Leaf as typeof WarehouseUnavailable)('why');
    expect(error.name).toBe(name);
    expect(Object.keys(error)).toContain('name');
  });
});

describe('log fields of a thrown value', () => {
  test('quote our own errors', () => {
    expect(errorFields(new WarehouseUnavailable('the deadline passed'))).toEqual({
      error: 'WarehouseUnavailable',
      error_message: 'the deadline passed',
    });
  });

  test('quote AWS services', () => {
    expect(errorFields(serviceError('ThrottlingException', 'Rate exceeded'))).toEqual({
      error: 'ThrottlingException',
      error_message: 'Rate exceeded',
    });
  });

  test('do not quote other errors, which may repeat their input', () => {
    const thrown = thrownBy(() => JSON.parse('learner@example.com'));
    expect(String(thrown)).toContain('learner');
    expect(errorFields(thrown)).toEqual({ error: 'SyntaxError' });
    expect(errorFields(new TypeError('learner@example.com'))).toEqual({ error: 'TypeError' });
  });

  test('do not quote an error that the SDK marked', () => {
    const unreadable = new SyntaxError(`Unexpected token 'l', "learner@example.com" is not valid JSON`);
    const marked = Object.assign(unreadable, { $metadata: { attempts: 1, totalRetryDelay: 0 } });
    expect(JSON.stringify(errorFields(marked))).not.toContain('learner');
  });

  test('truncate a long message', () => {
    expect(errorFields(new WarehouseUnavailable('x'.repeat(10_000))).error_message).toHaveLength(500);
  });

  test.each([[null], [undefined], ['text'], [5], [{}], [{ name: 5 }], [{ name: '' }]])(
    'have a name for %p',
    (thrown) => {
      expect(errorFields(thrown)).toEqual({ error: 'UnknownError' });
    },
  );
});

function thrownBy(run: () => unknown): unknown {
  try {
    run();
  } catch (thrown) {
    return thrown;
  }
  throw new Error('nothing was thrown');
}
