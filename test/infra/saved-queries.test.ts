import { globSync, readFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import { METRICS } from '../../lambdas/shared/metric-definitions.ts';
import { flatten, propertiesOf, synthesize } from '../support/synthesized-stack.ts';

const queries = propertiesOf(synthesize('prod'), 'AWS::Logs::QueryDefinition').map((query) => ({
  name: String(query.Name),
  text: String(query.QueryString),
  logGroups: query.LogGroupNames.map(flatten) as string[],
}));
const code = globSync('lambdas/**/*.ts')
  .map((file) => readFileSync(file, 'utf8'))
  .join('\n');
/** Fields that CloudWatch or the logger adds. */
const OF_EVERY_LINE = new Set(['@timestamp', '@message', 'service', 'message', 'level', '']);

test.each(queries)('$name reads lines and fields that the functions log', ({ text, logGroups }) => {
  expect(logGroups.length).toBeGreaterThan(0);
  for (const group of logGroups)
    expect(group).toMatch(/^<((Enrichment|Delivery|Outcomes|Reconciler|Rescue)\w+|WarmCache)Logs>$/);
  for (const [, message] of text.matchAll(/"([a-z_]+\.[a-z_]+)"/g)) expect(code).toContain(`'${message}'`);
  for (const [, metric] of text.matchAll(/`(webhook\.[a-z_.]+?)(?:\.0)?`/g)) {
    expect(Object.values(METRICS)).toContain(metric);
  }
  const [, shown = ''] = /^fields (.*)$/m.exec(text) ?? [];
  for (const field of shown.split(',').map((each) => each.trim())) {
    if (!OF_EVERY_LINE.has(field)) expect(code).toMatch(new RegExp(`\\b${field.split('.').at(-1)}\\b`));
  }
});
