import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { deliverySchema } from '../../lambdas/events/delivery.ts';
import {
  derivedEventId,
  executionName,
  executionToken,
  isFurther,
  messageToken,
  rescueName,
  type Step,
  webhookId as webhookIdOf,
} from '../../lambdas/events/identity.ts';
import { anyString } from '../support/arbitraries.ts';

const EXECUTION_NAME = /^[0-9A-Za-z_-]{1,80}$/;

/** Nine digits are more than any of them reaches, and leave a name its room. */
const count = fc.oneof(fc.nat({ max: 20 }), fc.nat({ max: 999_999_999 }));
const step: fc.Arbitrary<Step> = fc
  .record({ generation: count, attempt: count, deferrals: fc.option(count, { nil: undefined }) })
  .map(({ generation, attempt, deferrals }) => ({
    generation,
    progress: { attempt, ...(deferrals !== undefined && { deferrals }) },
  }));
const stepOf = (generation: number, attempt: number, deferrals: number): Step => ({
  generation,
  progress: { attempt, deferrals },
});

describe('a webhook id', () => {
  test('is the same for the same integration and event, whenever it is derived', () => {
    expect(webhookIdOf('acme', 'event-1')).toBe('wh_6473cb7c353f89175642aca82948cd3e256db354');
    fc.assert(
      fc.property(anyString, anyString, (one, other) => expect(webhookIdOf(one, other)).toBe(webhookIdOf(one, other))),
    );
  });

  test('differs if the integration or the event differs, wherever their texts are split', () => {
    fc.assert(
      fc.property(anyString, anyString, anyString, anyString, (integrationA, eventA, integrationB, eventB) => {
        fc.pre(JSON.stringify([integrationA, eventA]) !== JSON.stringify([integrationB, eventB]));
        expect(webhookIdOf(integrationA, eventA)).not.toBe(webhookIdOf(integrationB, eventB));
      }),
    );
    expect(webhookIdOf('ab', 'c')).not.toBe(webhookIdOf('a', 'bc'));
  });
});

describe('the derived id of an event', () => {
  const id = derivedEventId('acme', 'course_completion', '2026-01-15T12:00:00Z', '{"grade":0.5}');

  test.each([
    ['integration', derivedEventId('other', 'course_completion', '2026-01-15T12:00:00Z', '{"grade":0.5}')],
    ['type', derivedEventId('acme', 'course_enrollment', '2026-01-15T12:00:00Z', '{"grade":0.5}')],
    ['time', derivedEventId('acme', 'course_completion', '2026-01-15T12:00:01Z', '{"grade":0.5}')],
    ['payload', derivedEventId('acme', 'course_completion', '2026-01-15T12:00:00Z', '{"grade":0.9}')],
  ])('differs with the %s: a retake is a new event', (_part, other) => expect(other).not.toBe(id));
});

describe('a token', () => {
  test.each([
    ['g0', stepOf(0, 0, 0)],
    ['g2', stepOf(2, 0, 0)],
    ['g0-a1', stepOf(0, 1, 0)],
    ['g0-d3', stepOf(0, 0, 3)],
    ['g2-a1-d3', stepOf(2, 1, 3)],
  ])('%s: has the generation, and the attempts and deferrals if there are any', (token, given) => {
    expect(executionToken(given)).toBe(token);
    expect(messageToken(given)).toBe(`${token}-m`);
  });

  test('is the same when a step is repeated after a crash, and differs for every other step', () => {
    fc.assert(
      fc.property(step, step, (one, other) => {
        const parts = ({ generation, progress: { attempt, deferrals = 0 } }: Step) => [generation, attempt, deferrals];
        const isSame = JSON.stringify(parts(one)) === JSON.stringify(parts(other));
        expect(executionToken(one) === executionToken(other)).toBe(isSame);
        expect(messageToken(one) === messageToken(other)).toBe(isSame);
      }),
    );
  });

  test('fits a delivery', () => {
    const { token } = deliverySchema.shape;
    fc.assert(
      fc.property(step, (given) => {
        expect(token.safeParse(executionToken(given)).success).toBe(true);
        expect(token.safeParse(messageToken(given)).success).toBe(true);
      }),
    );
  });
});

describe('the name of an execution', () => {
  test('fits Step Functions at every step', () => {
    fc.assert(
      fc.property(anyString, anyString, step, (integrationId, eventId, given) => {
        expect(executionName(webhookIdOf(integrationId, eventId), executionToken(given))).toMatch(EXECUTION_NAME);
      }),
    );
  });
});

describe('the name of a rescue', () => {
  test('derives from the failed execution, so that a second start of it is refused', () => {
    expect(rescueName('wh_1-g0')).toBe('wh_1-g0-rescue1');
    expect(rescueName('wh_1-g0')).toBe(rescueName('wh_1-g0'));
  });

  test('is counted if a rescue fails, up to three', () => {
    expect(rescueName('wh_1-g0-rescue1')).toBe('wh_1-g0-rescue2');
    expect(rescueName('wh_1-g0-rescue2')).toBe('wh_1-g0-rescue3');
    expect(rescueName('wh_1-g0-rescue3')).toBeUndefined();
  });

  test('fits Step Functions, whatever the failed execution was called', () => {
    expect(rescueName('x'.repeat(80))).toMatch(EXECUTION_NAME);
    const name = fc.stringMatching(EXECUTION_NAME);
    fc.assert(
      fc.property(
        fc.oneof(
          name,
          fc
            .tuple(anyString, anyString, step)
            .map(([integrationId, eventId, given]) =>
              executionName(webhookIdOf(integrationId, eventId), executionToken(given)),
            ),
        ),
        (failed) => {
          const rescue = rescueName(failed);
          if (rescue !== undefined) expect(rescue).toMatch(EXECUTION_NAME);
        },
      ),
    );
  });
});

describe('which carrier is further', () => {
  const STEPS = [
    'g0-d1-m',
    'g0-d1',
    'g0-d2-m',
    'g0-d10-m',
    'g0-a1',
    'g0-a1-d1',
    'g0-a2',
    'g0-a10',
    'g1',
    'g1-a1',
    'g10',
  ];

  test('is decided by generation, attempt, deferral, and from a message to its execution', () => {
    for (const [index, one] of STEPS.entries()) {
      expect(STEPS.filter((other) => isFurther(one, other))).toEqual(STEPS.slice(0, index));
    }
  });

  test('is never something that is no token', () => {
    expect([isFurther('g1', 'else'), isFurther('else', 'g0'), isFurther('g1-rescue1', 'g0')]).toEqual([
      false,
      false,
      false,
    ]);
  });
});
