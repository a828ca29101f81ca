import { describe, expect, test } from '@jest/globals';
import { synthesize } from '../support/synthesized-stack.ts';

const template = synthesize('dev');

/** A text that AWS evaluates, and its path in the template. */
interface Found {
  readonly key: string;
  readonly path: string;
  readonly value: unknown;
}

/** All patterns and formats by their keys, also within JSON text (schemas, flags, workflows). */
function find(value: unknown, path: string): Found[] {
  if (typeof value === 'string' && /^\s*[{[]/.test(value)) {
    try {
      return find(JSON.parse(value), `${path}(JSON)`);
    } catch {
      return [];
    }
  }
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) => {
    const found = /pattern|regex|^format$/i.test(key) ? [{ key, path: `${path}.${key}`, value: inner }] : [];
    return [...found, ...find(inner, `${path}.${key}`)];
  });
}

const ESCAPE = String.raw`\\[\[\]\\/^$*+?(){}|]|\\x[0-7][0-9a-f]`;
// Of a class: no set operation of Java (`[`, `&&`), nothing negated, which would count half characters in ECMA 262.
const CLASS = String.raw`\[(?!\^)(?:(?!&&|--|~~|\|\|)[ -Z^-~]|${ESCAPE})+\]`;
// Not the dot: engines differ in what a line is. Not `(?`: RE2 has no lookaround, and names of groups differ.
const ATOM = String.raw`${ESCAPE}|${CLASS}|[ -#%-'\x2c-\x2d/->@-Z_-z~^$|)]|\((?!\?)`;
// RE2 counts to 1000. No second quantifier: `a++` is possessive in Java and an error elsewhere.
const COUNT = String.raw`(?:[*+?]|\{(?:[0-9]{1,3}|1000)(?:,(?:[0-9]{1,3}|1000)?)?\})(?![*+?{])`;
const PORTABLE = new RegExp(`^(?:(?:${ATOM})(?:${COUNT})?)+$`);

describe('in the template', () => {
  const found = find(template, '');
  const of = (key: string) => found.filter((one) => one.key === key);

  test('these are all the texts that are evaluated as patterns', () => {
    const ofAccessLogs = (one: Found) => one.path.endsWith('.AccessLogSettings.Format');
    const keys = found.filter((one) => !ofAccessLogs(one)).map(({ key }) => key);
    expect([...new Set(keys)].sort()).toEqual(['EventPattern', 'pattern']);
  });

  test('each pattern has the same meaning in ECMA 262, java.util.regex and RE2', () => {
    const resources = new Set(of('pattern').map(({ path }) => path.split('.')[2]?.slice(0, -8)));
    expect(resources).toEqual(
      new Set(['ConfigurationFlagsProfile', 'ConfigurationIntegrationsProfileConfigurationProfile']),
    );
    const unfit = of('pattern').filter(({ value }) => typeof value !== 'string' || !PORTABLE.test(value));
    expect(unfit).toEqual([]);
  });

  test('event patterns match values only', () => {
    const [pattern, ...others] = of('EventPattern');
    expect(others).toEqual([]);
    // Numbers, prefixes and wildcards would be objects in these lists; stack.test.ts checks the values.
    expect(pattern?.value).toHaveProperty('detail.stateMachineArn', [{ Ref: expect.any(String) }]);
  });
});
