import { expect, test } from '@jest/globals';
import * as z from 'zod';
import { faultsOf } from '../../lambdas/shared/faults.ts';

const schema = z.object({ outer: z.object({ inner: z.number() }), list: z.array(z.string()) }, 'must be an object');
const faults = (value: unknown) => {
  const { error } = schema.safeParse(value);
  return error && faultsOf(error, 'document');
};

test('faults are named by the way to each, and cut by semicolons', () => {
  expect(faults({ outer: { inner: 'x' }, list: ['a', 5] })).toMatch(/^outer\.inner: .+; list\.1: .+$/);
});

test('a fault of the whole has its name', () => expect(faults(null)).toBe('document: must be an object'));
