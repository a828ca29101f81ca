import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { MalformedDelivery } from '../../lambdas/contract/errors.ts';
import { readTaskInput } from '../../lambdas/domain/read-delivery.ts';
import { delivery, LEARNER_DATA } from '../support/factories.ts';

describe('what the workflow hands to a task', () => {
  test('is the delivery', () => expect(readTaskInput(delivery())).toEqual(delivery()));

  test('is a fault of ours where it is none, with the fields named', () => {
    const { payload: _, ...without } = delivery();
    expect(() => readTaskInput({ ...without, generation: -1 })).toThrow(MalformedDelivery);
    expect(() => readTaskInput({ ...without, generation: -1 })).toThrow(/^not a delivery: generation: .*; payload: /);
  });

  test('is never repeated in the fault', () => {
    const [email] = LEARNER_DATA;
    for (const field of Object.keys(delivery())) {
      try {
        readTaskInput({ ...delivery(), [field]: { email } });
        throw new Error(`${field} was accepted`);
      } catch (thrown) {
        expect(thrown).toBeInstanceOf(MalformedDelivery);
        expect((thrown as Error).message).not.toContain(email);
      }
    }
  });

  test('of any kind at all is a delivery or a MalformedDelivery', () => {
    fc.assert(
      fc.property(fc.anything(), (input) => {
        expect(() => readTaskInput(input)).toThrow(MalformedDelivery);
      }),
    );
  });
});
