import { describe, expect, test } from '@jest/globals';
import { FEATURE_OVERRIDE } from '../../lambdas/shared/environment.ts';
import { FEATURE_NAME } from '../../lambdas/shared/metric-definitions.ts';
import { featureOverride } from '../../lib/feature-override.ts';
import { findStage } from '../../lib/stage.ts';
import { checkStage } from '../../lib/stage-schema.ts';
import { resourcesOf, synthesize } from '../support/synthesized-stack.ts';

test('the variable has the feature’s name', () => {
  expect(FEATURE_OVERRIDE).toBe(`FEATURE_${FEATURE_NAME.toUpperCase()}_ENABLED`);
});

describe.each(['local', 'dev'])('stage %s', (stage) => {
  test.each([
    ['true', { featureOverride: true }],
    ['false', { featureOverride: false }],
    ['', {}],
    [undefined, {}],
  ])('%j', (value, expected) => {
    expect(featureOverride(stage, { [FEATURE_OVERRIDE]: value, HOME: '/home' })).toEqual(expected);
  });

  test.each(['TRUE', '1', 'on', 'yes please'])(
    '%s is rejected: a typing error must not switch the feature',
    (value) => {
      expect(() => featureOverride(stage, { [FEATURE_OVERRIDE]: value })).toThrow(
        `${FEATURE_OVERRIDE} must be true or false`,
      );
    },
  );

  test('ignores a variable of another product', () => {
    expect(featureOverride(stage, { FEATURE_AI_CHAT_ENABLED: 'maybe' })).toEqual({});
  });
});

test('is set on functions that read the flag, and on no other', () => {
  const valuesIn = (template: ReturnType<typeof synthesize>) =>
    resourcesOf(template, 'AWS::Lambda::Function').flatMap(([id, { Properties }]) => {
      const value = Properties.Environment?.Variables?.[FEATURE_OVERRIDE];
      return value === undefined ? [] : [`${id.replace(/Function[0-9A-F]{8}$/, '')}: ${value}`];
    });
  expect(valuesIn(synthesize('dev', { [FEATURE_OVERRIDE]: 'false' }))).toEqual([
    'EnrichmentEnrichBatch: false',
    'EnrichmentEnrichTask: false',
    'StatusApiFeatureStatus: false',
  ]);
  expect(valuesIn(synthesize('dev'))).toEqual([]);
});

describe.each(['staging', 'prod'])('stage %s', (stage) => {
  test.each([FEATURE_OVERRIDE, 'FEATURE_AI_CHAT_ENABLED'])('does not synthesize with %s set', (name) => {
    const message = `stage ${stage}: ${name} is for development only, unset it`;
    expect(() => findStage(stage, { environment: { [name]: 'false' } })).toThrow(message);
  });

  test('synthesizes without one, or with an empty one', () => {
    expect(findStage(stage, { environment: { [FEATURE_OVERRIDE]: '', HOME: '/home' } })).toEqual(findStage(stage));
  });

  test('cannot have one in its definition', () => {
    expect(() => checkStage({ ...findStage(stage), featureOverride: true })).toThrow(
      `stage ${stage}: featureOverride: only local and dev may override the flag`,
    );
  });
});
