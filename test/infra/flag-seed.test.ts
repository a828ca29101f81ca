import { describe, expect, test } from '@jest/globals';
import { Ajv } from 'ajv';
import { FLAG_BOUNDS, FLAG_KEY, flagSchema } from '../../lambdas/contract/flag.ts';
import { FLAG_SEED, INTEGRATIONS_SEED } from '../../lib/flag-seed.ts';

/** AppConfig's type reference for `AWS.AppConfig.FeatureFlags`, as far as the seed uses it. */
const key = '^[a-z][a-zA-Z\\d_-]{0,63}$';
const constraintsOf = (type: string, properties: object) => ({
  type: 'object',
  properties: { type: { const: type }, required: { type: 'boolean' }, ...properties },
  required: ['type'],
  additionalProperties: false,
});
const number = constraintsOf('number', { minimum: { type: 'integer' }, maximum: { type: 'integer' } });
const string = constraintsOf('string', { pattern: { type: 'string', maxLength: 1024 } });
const attribute = {
  type: 'object',
  properties: {
    description: { type: 'string', maxLength: 1024 },
    constraints: { oneOf: [number, string, constraintsOf('array', { elements: { oneOf: [number, string] } })] },
  },
  additionalProperties: false,
};
const text = { type: 'string', maxLength: 1024 };
const value = {
  oneOf: [
    text,
    { type: 'number' },
    { type: 'boolean' },
    { type: 'array', oneOf: [{ items: text }, { items: { type: 'number' } }] },
  ],
};
const featureFlags = {
  type: 'object',
  properties: {
    version: { const: '1' },
    flags: {
      type: 'object',
      patternProperties: {
        [key]: {
          type: 'object',
          properties: {
            name: { type: 'string', pattern: '^[^\\n]{1,64}$' },
            description: text,
            attributes: {
              type: 'object',
              patternProperties: { [key]: attribute },
              maxProperties: 25,
              additionalProperties: false,
            },
          },
          additionalProperties: false,
        },
      },
      additionalProperties: false,
    },
    values: {
      type: 'object',
      patternProperties: {
        [key]: {
          type: 'object',
          properties: { enabled: { type: 'boolean' } },
          patternProperties: { '^(?!enabled$)[a-z][a-zA-Z\\d_-]{0,63}$': value },
          additionalProperties: false,
        },
      },
      additionalProperties: false,
    },
  },
  required: ['version'],
  additionalProperties: false,
};
const fits = new Ajv({ allowMatchingProperties: true }).compile(featureFlags);

describe('the flag’s seed', () => {
  test('fits AppConfig’s type reference', () => {
    fits(FLAG_SEED);
    expect(fits.errors).toBeNull();
  });

  test('an empty array as a value would not: it is an array of strings and one of numbers', () => {
    const values = { [FLAG_KEY]: { ...FLAG_SEED.values[FLAG_KEY], pilot_enterprises: [] } };
    expect(fits({ ...FLAG_SEED, values })).toBe(false);
  });

  test('is off, and reads as nobody enriched when an operator switches it on without touching more', () => {
    const { enabled, ...attributes } = FLAG_SEED.values[FLAG_KEY];
    expect(enabled).toBe(false);
    expect(flagSchema.parse({ enabled: true, ...attributes })).toEqual({
      enabled: true,
      rollout_percentage: 0,
      pilot_enterprises: [],
      cache_ttl_seconds: 3600,
    });
  });

  test('describes every attribute that functions read, within the same bounds', () => {
    const { attributes } = FLAG_SEED.flags[FLAG_KEY];
    expect(Object.keys(attributes)).toEqual(Object.keys(flagSchema.shape).filter((name) => name !== 'enabled'));
    expect(attributes.rollout_percentage.constraints).toMatchObject(FLAG_BOUNDS.rolloutPercentage);
    expect(attributes.cache_ttl_seconds.constraints).toMatchObject(FLAG_BOUNDS.cacheTtlSeconds);
  });
});

test('the integrations’ seed holds none', () => {
  expect(INTEGRATIONS_SEED).toEqual({ integrations: [] });
});
