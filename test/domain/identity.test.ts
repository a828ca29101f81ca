import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { derivedEventId, executionName, rescueName, webhookId as webhookIdOf } from '../../lambdas/domain/identity.ts';
import { anyString } from '../support/arbitraries.ts';

const generation = fc.nat({ max: Number.MAX_SAFE_INTEGER });
const EXECUTION_NAME = /^[0-9A-Za-z_-]{1,80}$/;

describe('a webhook id', () => {
  test('is the same for the same integration and event, whenever it is derived', () => {
    expect(webhookIdOf('acme', 'event-1')).toBe('wh_6473cb7c353f89175642aca82948cd3e256db354');
    fc.assert(
      fc.property(anyString, anyString, (one, other) => expect(webhookIdOf(one, other)).toBe(webhookIdOf(one, other))),
    );
  });

  test('has no dot, which separates the parts that are signed', () => {
    fc.assert(
      fc.property(anyString, anyString, (integrationId, eventId) => {
        expect(webhookIdOf(integrationId, eventId)).toMatch(/^wh_[0-9a-f]{40}$/);
      }),
    );
  });

  test('differs where the integration or the event differs, however the two are cut', () => {
    fc.assert(
      fc.property(anyString, anyString, anyString, anyString, (integrationA, eventA, integrationB, eventB) => {
        fc.pre(JSON.stringify([integrationA, eventA]) !== JSON.stringify([integrationB, eventB]));
        expect(webhookIdOf(integrationA, eventA)).not.toBe(webhookIdOf(integrationB, eventB));
      }),
    );
    expect(webhookIdOf('ab', 'c')).not.toBe(webhookIdOf('a', 'bc'));
  });
});

describe('the id of an event that came without one', () => {
  const id = derivedEventId('acme', 'course_completion', '2026-01-15T12:00:00Z', '{"grade":0.5}');

  test('is the same for the same publication', () => {
    expect(derivedEventId('acme', 'course_completion', '2026-01-15T12:00:00Z', '{"grade":0.5}')).toBe(id);
  });

  test.each([
    ['integration', derivedEventId('other', 'course_completion', '2026-01-15T12:00:00Z', '{"grade":0.5}')],
    ['type', derivedEventId('acme', 'course_enrollment', '2026-01-15T12:00:00Z', '{"grade":0.5}')],
    ['moment', derivedEventId('acme', 'course_completion', '2026-01-15T12:00:01Z', '{"grade":0.5}')],
    ['payload', derivedEventId('acme', 'course_completion', '2026-01-15T12:00:00Z', '{"grade":0.9}')],
  ])('differs with the %s: a retake is a new event', (_part, other) => expect(other).not.toBe(id));

  test('fits where the LMS could have given one', () => expect(id).toMatch(/^[A-Za-z0-9_-]{1,128}$/));
});

describe('the name of an execution', () => {
  test('fits Step Functions, in every generation', () => {
    fc.assert(
      fc.property(anyString, anyString, generation, (integrationId, eventId, number) => {
        expect(executionName(webhookIdOf(integrationId, eventId), number)).toMatch(EXECUTION_NAME);
      }),
    );
  });

  test('differs for each generation, since a closed name is refused for 90 days', () => {
    fc.assert(
      fc.property(generation, generation, (one, other) => {
        fc.pre(one !== other);
        expect(executionName('wh_1', one)).not.toBe(executionName('wh_1', other));
      }),
    );
  });
});

describe('the name of a rescue', () => {
  test('derives from the failed execution, so that a second start of it is refused', () => {
    expect(rescueName('wh_1-g0')).toBe('wh_1-g0-rescue1');
    expect(rescueName('wh_1-g0')).toBe(rescueName('wh_1-g0'));
  });

  test('counts on where a rescue failed itself, three times at the most', () => {
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
            .tuple(anyString, anyString, generation)
            .map(([integrationId, eventId, number]) => executionName(webhookIdOf(integrationId, eventId), number)),
        ),
        (failed) => {
          const rescue = rescueName(failed);
          if (rescue !== undefined) expect(rescue).toMatch(EXECUTION_NAME);
        },
      ),
    );
  });
});
