import { describe, expect, test } from '@jest/globals';
import { isJsonObject } from '../../lambdas/domain/json-object.ts';
import { parseKeepingNumbers } from '../../lambdas/domain/json-text.ts';

describe('an object among parsed JSON', () => {
  test.each(['{}', '{"a":1.0}', '{"rawJSON":"1.0"}', '{"__proto__":null}'])('is %s', (text) => {
    expect(isJsonObject(parseKeepingNumbers(text))).toBe(true);
  });

  test.each(['1.0', '12345678901234567890', '1', '[]', '[{}]', 'null', 'true', '"{}"'])('is not %s', (text) => {
    expect(isJsonObject(parseKeepingNumbers(text))).toBe(false);
  });
});
