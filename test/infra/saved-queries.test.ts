import { globSync, readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { METRICS } from '../../lambdas/shared/metric-definitions.ts';
import { flatten, resourcesOf, synthesize } from '../support/synthesized-stack.ts';

const queries = resourcesOf(synthesize('prod'), 'AWS::Logs::QueryDefinition').map(([, { Properties }]) => ({
  name: String(Properties.Name),
  text: String(Properties.QueryString),
  logGroups: Properties.LogGroupNames.map(flatten) as string[],
}));
const code = globSync('lambdas/**/*.ts')
  .map((file) => readFileSync(file, 'utf8'))
  .join('\n');

describe.each(queries)('$name', ({ text, logGroups }) => {
  test('filters lines that the functions log', () => {
    expect(logGroups.length).toBeGreaterThan(0);
    for (const group of logGroups) expect(group).toMatch(/^<(Enrichment|Delivery|Outcomes|Reconciler|Rescue)\w+Logs>$/);
    for (const [, message] of text.matchAll(/"([a-z_]+\.[a-z_]+)"/g))
      expect([message, code.includes(`'${message}'`)]).toEqual([message, true]);
    for (const [, metric] of text.matchAll(/`(webhook\.[a-z_.]+?)(?:\.0)?`/g)) {
      expect(Object.values(METRICS)).toContain(metric);
    }
  });

  test('selects fields of these lines', () => {
    const [, shown = ''] = /^fields (.*)$/m.exec(text) ?? [];
    const own = new Set(['@timestamp', '@message', 'service', 'message', 'level']);
    for (const field of shown
      .split(',')
      .map((each) => each.trim())
      .filter((each) => each !== '' && !own.has(each))) {
      expect([field, new RegExp(`\\b${field.split('.').at(-1)}\\b`).test(code)]).toEqual([field, true]);
    }
  });
});
