import { expect, test } from '@jest/globals';
import { KINDS } from '../../lambdas/events/event-types/event-types.ts';
import { METRICS, metricsNamespace } from '../../lambdas/shared/metric-definitions.ts';
import { flatten, onlyResource, synthesize } from '../support/synthesized-stack.ts';

interface Widget {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
  readonly properties: { readonly title?: string; readonly metrics?: readonly unknown[][] };
}

const { Properties } = onlyResource(synthesize('prod'), 'AWS::CloudWatch::Dashboard');
const { widgets } = JSON.parse(flatten(Properties.DashboardBody)) as { readonly widgets: readonly Widget[] };

// Their metrics: published-metrics.test.ts.
test('shows attempts of each kind of event', () => {
  for (const name of [METRICS.kindSuccess, METRICS.kindFailure]) {
    const shown = widgets.flatMap(({ properties: { metrics = [] } }) => metrics.filter((row) => row[1] === name));
    expect(shown.map((row) => row[row.indexOf('kind') + 1]).toSorted()).toEqual(KINDS.toSorted());
  }
});

test('searches for the integrations', () => {
  const searches = JSON.stringify(widgets).match(/SEARCH\('\{[^}]+\}/g);
  expect(searches).toEqual([`SEARCH('{${metricsNamespace('prod')},integration,service}`]);
});

test('no widget overlaps another or exceeds the 24 columns', () => {
  for (const [index, one] of widgets.entries()) {
    expect(one.x + one.width).toBeLessThanOrEqual(24);
    for (const other of widgets.slice(index + 1)) {
      const isBeside = one.x + one.width <= other.x || other.x + other.width <= one.x;
      const isApart = one.y + one.height <= other.y || other.y + other.height <= one.y;
      expect([one.properties.title, other.properties.title, isBeside || isApart]).toContain(true);
    }
  }
});
