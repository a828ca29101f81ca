import { readFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import { buildDashboard } from '../../docs/grafana/build-dashboard.ts';
import { GAUGES } from '../../lambdas/status/prometheus.ts';
import { readDashboard } from '../support/dashboard.ts';

const { dashboard, panels, expressions } = readDashboard();

test('the file is what docs/grafana/build-dashboard.ts builds', () => {
  // If not: npm run dashboard:grafana
  expect(JSON.parse(readFileSync('docs/grafana/dashboard.json', 'utf8'))).toEqual(buildDashboard());
});

test('each panel has an id of its own and a place of its own', () => {
  expect(new Set(dashboard.panels.map(({ id }) => id)).size).toBe(dashboard.panels.length);
  const cells = dashboard.panels.flatMap(({ gridPos: { x, y, w, h } }) =>
    Array.from({ length: w * h }, (_, cell) => `${x + (cell % w)} ${y + Math.floor(cell / w)}`),
  );
  expect(new Set(cells).size).toBe(cells.length);
  expect(dashboard.panels.filter(({ gridPos: { x, w } }) => x + w > 24)).toEqual([]);
});

test('shows every gauge, and none that does not exist', () => {
  const shown = new Set(expressions.flatMap((expr) => expr.match(/learning_time_webhooks_\w+/g) ?? []));
  expect([...shown].sort()).toEqual(
    Object.values(GAUGES)
      .map(({ name }) => name)
      .sort(),
  );
});

test('the gauges cover an hour, so no query takes a rate or an increase of one', () => {
  expect(expressions.filter((expr) => /\b(rate|irate|increase|delta)\b|\[/.test(expr))).toEqual([]);
});

test.each(panels.map((panel) => [panel.title, panel] as const))('“%s” has the unit of its gauges', (_, panel) => {
  const names = panel.targets.flatMap(({ expr }) => expr.match(/learning_time_webhooks_\w+/g) ?? []);
  const units = names.map((name) => {
    if (name === GAUGES.sourceUp.name) return 'bool_on_off';
    if (name.endsWith('_seconds')) return 's';
    return name.endsWith('_ratio') || name === GAUGES.attemptsOfKinds.name ? 'percentunit' : 'short';
  });
  expect(new Set(units)).toEqual(new Set([panel.fieldConfig.defaults.unit]));
  expect(panel.targets.map(({ refId }) => refId)).toEqual(panel.targets.map((_one, index) => 'ABC'[index]));
});

test('each query selects the stage, and each legend names labels that the query keeps', () => {
  for (const { targets } of panels) {
    for (const { expr, legendFormat } of targets) {
      const selected = expr.match(/learning_time_webhooks_\w+\{job=~"\$job"/g) ?? [];
      expect(selected).toHaveLength(expr.match(/learning_time_webhooks_/g)?.length ?? 0);
      const [, by] = /^\w+ by \((\w+)\)/.exec(expr) ?? [];
      const labels = legendFormat.match(/(?<=\{\{)\w+(?=\}\})/g) ?? [];
      if (by !== undefined) expect(labels).toEqual([by]);
      else if (/^(sum|min|max)\(/.test(expr)) expect(labels).toEqual([]);
    }
  }
});
