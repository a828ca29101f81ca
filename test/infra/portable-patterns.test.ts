import { expect, test } from '@jest/globals';
import { synthesize } from '../support/synthesized-stack.ts';

/** All patterns and formats of a value, with their keys, also within JSON text (schemas, flags, workflows). */
function find(value: unknown): [key: string, pattern: unknown][] {
  if (typeof value === 'string' && /^\s*[{[]/.test(value)) {
    try {
      return find(JSON.parse(value));
    } catch {
      return [];
    }
  }
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) => [
    ...(/pattern|regex|^format$/i.test(key) ? [[key, inner] as [string, unknown]] : []),
    ...find(inner),
  ]);
}

const ESCAPE = String.raw`\\[\[\]\\/^$*+?(){}|]|\\x[0-7][0-9a-f]`;
// Of a class: no set operation of Java (`[`, `&&`), nothing negated, which would count half characters in ECMA 262.
const CLASS = String.raw`\[(?!\^)(?:(?!&&|--|~~|\|\|)[ -Z^-~]|${ESCAPE})+\]`;
// Not the dot: engines differ in what a line is. Not `(?`: RE2 has no lookaround, and names of groups differ.
const ATOM = String.raw`${ESCAPE}|${CLASS}|[ -#%-'\x2c-\x2d/->@-Z_-z~^$|)]|\((?!\?)`;
// RE2 counts to 1000. No second quantifier: `a++` is possessive in Java and an error elsewhere.
const COUNT = String.raw`(?:[*+?]|\{(?:[0-9]{1,3}|1000)(?:,(?:[0-9]{1,3}|1000)?)?\})(?![*+?{])`;
const PORTABLE = new RegExp(`^(?:(?:${ATOM})(?:${COUNT})?)+$`);

test('each pattern in the template has the same meaning in ECMA 262, java.util.regex and RE2', () => {
  const found = Map.groupBy(find(synthesize('dev')), ([key]) => key);
  // `EventPattern` has values only: stack.test.ts. `Format` is that of the access log.
  expect([...found.keys()].sort()).toEqual(['EventPattern', 'Format', 'pattern']);
  const patterns = found.get('pattern') ?? [];
  expect(patterns.length).toBeGreaterThan(5);
  expect(patterns.filter(([, pattern]) => typeof pattern !== 'string' || !PORTABLE.test(pattern))).toEqual([]);
});
