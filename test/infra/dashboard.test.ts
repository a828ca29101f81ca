import { describe, expect, test } from '@jest/globals';
import { KINDS } from '../../lambdas/events/event-types/event-types.ts';
import { METRICS, metricsNamespace } from '../../lambdas/shared/metric-definitions.ts';
import { flatten, onlyResource, synthesize } from '../support/synthesized-stack.ts';

interface Widget {
  readonly type: string;
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
  readonly properties: { readonly title?: string; readonly markdown?: string; readonly metrics?: readonly unknown[][] };
}

const { Properties } = onlyResource(synthesize('prod'), 'AWS::CloudWatch::Dashboard');
const { widgets } = JSON.parse(flatten(Properties.DashboardBody)) as { readonly widgets: readonly Widget[] };

test('shows each kind of event, and scheduled events', () => {
  const shown = (title: string) => {
    const [panel] = widgets.filter(({ properties }) => properties.title?.startsWith(title));
    return panel?.properties.metrics ?? [];
  };
  for (const [title, name] of [
    ['Attempts by kind of event: successful', METRICS.kindSuccess],
    ['Attempts by kind of event: failed', METRICS.kindFailure],
  ] as const) {
    const ofKinds = shown(title).filter((metric) => metric[1] === name);
    expect(ofKinds.map((metric) => metric[metric.indexOf('kind') + 1]).toSorted()).toEqual(KINDS.toSorted());
  }
  expect(shown('Scheduled events').map(([, name]) => name)).toEqual([
    METRICS.timerWaiting,
    METRICS.timerOverdue,
    METRICS.timerMoved,
    METRICS.timerCancelled,
  ]);
  const options = shown('Scheduled events').map((metric) => metric.at(-1));
  expect(options.slice(0, 2)).toEqual([
    expect.objectContaining({ stat: 'Maximum' }),
    expect.objectContaining({ stat: 'Maximum' }),
  ]);
});

describe('every widget', () => {
  test('overlaps no other and stays within the 24 columns', () => {
    for (const [index, one] of widgets.entries()) {
      expect(one.x + one.width).toBeLessThanOrEqual(24);
      for (const other of widgets.slice(index + 1)) {
        const isBeside = one.x + one.width <= other.x || other.x + other.width <= one.x;
        const isApart = one.y + one.height <= other.y || other.y + other.height <= one.y;
        expect([one.properties.title, other.properties.title, isBeside || isApart]).toContain(true);
      }
    }
  });

  test('by partner searches for the integrations', () => {
    const searches = JSON.stringify(widgets).match(/SEARCH\('\{[^}]+\}/g);
    expect(searches).toEqual([`SEARCH('{${metricsNamespace('prod')},integration,service}`]);
  });
});
