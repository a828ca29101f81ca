import { describe, expect, test } from '@jest/globals';
import { FEATURE_OVERRIDE } from '../../lambdas/shared/environment.ts';
import { FEATURE_NAME } from '../../lambdas/shared/metric-definitions.ts';
import { findStage } from '../../lib/stage.ts';
import { checkStage } from '../../lib/stage-schema.ts';

const found = (stage: string, variables: Readonly<Record<string, string | undefined>>) =>
  findStage(stage, { environment: { HOME: '/home', ...variables } }).featureOverride;

test('the variable has the feature’s name', () => {
  expect(FEATURE_OVERRIDE).toBe(`FEATURE_${FEATURE_NAME.toUpperCase()}_ENABLED`);
});

describe.each(['local', 'dev'])('stage %s', (stage) => {
  test.each([
    ['true', true],
    ['false', false],
    ['', undefined],
    [undefined, undefined],
  ])('%j: %j', (value, expected) => {
    expect(found(stage, { [FEATURE_OVERRIDE]: value })).toBe(expected);
  });

  test.each(['TRUE', '1'])('%s is rejected: a typing error must not switch the feature', (value) => {
    expect(() => found(stage, { [FEATURE_OVERRIDE]: value })).toThrow(`${FEATURE_OVERRIDE} must be true or false`);
  });

  test('ignores a variable of another product', () => {
    expect(found(stage, { FEATURE_AI_CHAT_ENABLED: 'maybe' })).toBeUndefined();
  });
});

describe.each(['staging', 'prod'])('stage %s', (stage) => {
  test.each([FEATURE_OVERRIDE, 'FEATURE_AI_CHAT_ENABLED'])('does not synthesize with %s set', (name) => {
    const message = `stage ${stage}: ${name} is for development only, unset it`;
    expect(() => found(stage, { [name]: 'false' })).toThrow(message);
    expect(found(stage, { [name]: '' })).toBeUndefined();
  });

  test('cannot have one in its definition', () => {
    expect(() => checkStage({ ...findStage(stage), featureOverride: true })).toThrow(
      `stage ${stage}: featureOverride: only local and dev may override the flag`,
    );
  });
});
