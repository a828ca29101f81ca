import { GAUGES } from '../../lambdas/status/prometheus.ts';

/** Of Grafana 10.4, which later versions read. */
const SCHEMA_VERSION = 39;

/** Grafana's units. */
type Unit = 'percentunit' | 's' | 'short' | 'bool_on_off';

interface Query {
  readonly expr: string;
  /** Labels in braces. */
  readonly legend: string;
}

interface Panel {
  readonly title: string;
  readonly type: 'stat' | 'timeseries';
  readonly unit: Unit;
  readonly queries: readonly Query[];
  readonly description?: string;
  /** From the lowest: the first one has no value. */
  readonly thresholds?: readonly { readonly color: string; readonly value: number | null }[];
}

/** 24 columns are a row. */
const COLUMNS = 24;
const STAT = { w: 4, h: 4 } as const;
const GRAPH = { w: 8, h: 8 } as const;

const JOB = 'job=~"$job"';
const INTEGRATION = 'integration=~"$integration"';

type GaugeName = keyof typeof GAUGES;

function gauge(key: GaugeName, ...matchers: readonly string[]): string {
  return `${GAUGES[key].name}{${[JOB, ...matchers].join(', ')}}`;
}

function sumBy(label: string, key: GaugeName, ...matchers: readonly string[]): Query {
  return { expr: `sum by (${label}) (${gauge(key, ...matchers)})`, legend: `{{${label}}}` };
}

/** Each gauge covers an hour already, so nothing is a rate or an increase. */
const SUCCESS: Panel['thresholds'] = [
  { color: 'red', value: null },
  { color: 'orange', value: 0.8 },
  { color: 'green', value: 0.9 },
];
const ANY_IS_BAD: Panel['thresholds'] = [
  { color: 'green', value: null },
  { color: 'red', value: 1 },
];

const FAILED_SHARE = `${gauge('attemptsOfKinds', 'result="failure"')} / ignoring (result) (sum without (result) (${gauge('attemptsOfKinds')}) > 0)`;

function stat(title: string, unit: Unit, expr: string, thresholds?: Panel['thresholds']): Panel {
  return { title, type: 'stat', unit, queries: [{ expr, legend: title }], ...(thresholds && { thresholds }) };
}

function graph(title: string, unit: Unit, queries: readonly Query[], more: Partial<Panel> = {}): Panel {
  return { title, type: 'timeseries', unit, queries, ...more };
}

const ROWS: Readonly<Record<string, readonly Panel[]>> = {
  'Now, of the last hour': [
    stat('Attempts that succeed', 'percentunit', `min(${gauge('successRatio')})`, SUCCESS),
    stat('Delivery latency, p95', 's', `max(${gauge('latency')})`),
    stat('Delivered', 'short', `sum(${gauge('delivered')})`),
    stat('Dead-lettered', 'short', `sum(${gauge('dead')})`, ANY_IS_BAD),
    stat('Overdue events', 'short', `sum(${gauge('overdueTimers')})`, ANY_IS_BAD),
    stat('All sources read', 'bool_on_off', `min(${gauge('sourceUp')})`, [
      { color: 'red', value: null },
      { color: 'green', value: 1 },
    ]),
  ],
  Deliveries: [
    graph('Attempts that succeed', 'percentunit', [{ expr: gauge('successRatio'), legend: '{{job}}' }], {
      description: 'Warning below 90 %, critical below 80 %.',
      thresholds: SUCCESS,
    }),
    graph('Attempts by result', 'short', [sumBy('result', 'attempts', INTEGRATION)]),
    graph('Failed attempts by integration', 'short', [
      sumBy('integration', 'attempts', INTEGRATION, 'result="failure"'),
    ]),
    graph('Failed attempts by kind of event', 'percentunit', [{ expr: FAILED_SHARE, legend: '{{kind}}' }]),
    graph('Delivered webhooks', 'short', [
      { ...sumBy('learning_time', 'delivered'), legend: '{{learning_time}} learning time' },
    ]),
    graph('Delivery latency, p95', 's', [{ expr: gauge('latency'), legend: '{{job}}' }]),
  ],
  'Learning time': [
    graph('Cache hits', 'percentunit', [{ expr: gauge('hitRatio'), legend: '{{job}}' }]),
    graph('Cache look-ups', 'short', [sumBy('result', 'lookups')]),
    graph('Delivered without learning time, because the warehouse failed', 'percentunit', [
      { expr: gauge('fallbackRatio'), legend: '{{job}}' },
    ]),
    graph('Warehouse queries', 'short', [sumBy('result', 'queries')]),
    graph('Duration of warehouse queries, p95', 's', [{ expr: gauge('queryDuration'), legend: '{{job}}' }]),
  ],
  'What delays webhooks': [
    graph('Messages in queues', 'short', [sumBy('queue', 'queueMessages')]),
    graph('Age of the oldest message', 's', [{ expr: `max by (queue) (${gauge('queueAge')})`, legend: '{{queue}}' }]),
    graph('Scheduled events', 'short', [
      { expr: `sum(${gauge('waitingTimers')})`, legend: 'waiting' },
      { expr: `sum(${gauge('overdueTimers')})`, legend: 'overdue' },
    ]),
  ],
  'Whether these numbers are current': [
    graph('Sources that could be read', 'bool_on_off', [
      { expr: `min by (source) (${gauge('sourceUp')})`, legend: '{{source}}' },
    ]),
    graph('Age of the reading', 's', [{ expr: `time() - ${gauge('readAt')}`, legend: '{{job}}' }], {
      description: 'Responses are cached for up to a minute.',
    }),
  ],
};

const DATASOURCE = { type: 'prometheus', uid: '$datasource' } as const;

/** The dashboard, as Grafana imports it. */
export function buildDashboard(): object {
  return {
    uid: 'learning-time-webhooks',
    title: 'Learning-time webhooks',
    description: 'Deliveries to partners, and what delays them. Each number is of the last hour, or the current one.',
    tags: ['webhooks'],
    schemaVersion: SCHEMA_VERSION,
    version: 1,
    editable: true,
    timezone: 'utc',
    time: { from: 'now-24h', to: 'now' },
    // As often as Prometheus scrapes.
    refresh: '1m',
    templating: {
      list: [
        { name: 'datasource', label: 'Data source', type: 'datasource', query: 'prometheus' },
        labelVariable('job', 'Stage (job)', GAUGES.sourceUp.name),
        labelVariable('integration', 'Integration', `${GAUGES.attempts.name}{${JOB}}`),
      ],
    },
    panels: panels(),
  };
}

function labelVariable(name: string, label: string, series: string): object {
  const query = `label_values(${series}, ${name})`;
  return {
    ...{ name, label, type: 'query', datasource: DATASOURCE, definition: query, query: { query, refId: name } },
    // When the time range changes: integrations come and go.
    ...{ refresh: 2, sort: 1, multi: true, includeAll: true, current: { text: ['All'], value: ['$__all'] } },
  };
}

function panels(): object[] {
  const all: object[] = [];
  let y = 0;
  for (const [title, row] of Object.entries(ROWS)) {
    all.push({
      id: all.length + 1,
      type: 'row',
      title,
      gridPos: { x: 0, y, w: COLUMNS, h: 1 },
      collapsed: false,
      panels: [],
    });
    y += 1;
    let x = 0;
    for (const panel of row) {
      const size = panel.type === 'stat' ? STAT : GRAPH;
      if (x + size.w > COLUMNS) {
        x = 0;
        y += size.h;
      }
      all.push({ id: all.length + 1, ...panelJson(panel), gridPos: { x, y, ...size } });
      x += size.w;
    }
    y += row[0]?.type === 'stat' ? STAT.h : GRAPH.h;
  }
  return all;
}

function panelJson({ title, type, unit, queries, description, thresholds }: Panel): object {
  return {
    ...{ type, title, ...(description && { description }), datasource: DATASOURCE },
    targets: queries.map(({ expr, legend }, index) => ({
      ...{ refId: String.fromCharCode(65 + index), datasource: DATASOURCE, expr, legendFormat: legend },
      ...(type === 'stat' ? { instant: true } : { range: true }),
    })),
    fieldConfig: {
      defaults: {
        unit,
        ...(unit === 'percentunit' && { min: 0, max: 1 }),
        ...(unit !== 'percentunit' && { min: 0 }),
        thresholds: { mode: 'absolute', steps: thresholds ?? [{ color: 'green', value: null }] },
      },
      overrides: [],
    },
    options:
      type === 'stat'
        ? { reduceOptions: { calcs: ['lastNotNull'], fields: '', values: false }, colorMode: 'value' }
        : {
            legend: { showLegend: true, displayMode: 'list', placement: 'bottom' },
            tooltip: { mode: 'multi', sort: 'desc' },
          },
  };
}
