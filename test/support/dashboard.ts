import { readFileSync } from 'node:fs';
import * as z from 'zod';

const dataSource = z.strictObject({ type: z.literal('prometheus'), uid: z.literal('$datasource') });
const gridPos = z.strictObject({ x: z.int().min(0), y: z.int().min(0), w: z.int().min(1).max(24), h: z.int().min(1) });

const panelSchema = z.strictObject({
  id: z.int().positive(),
  type: z.enum(['stat', 'timeseries']),
  title: z.string().min(1),
  description: z.string().optional(),
  datasource: dataSource,
  gridPos,
  targets: z
    .array(
      z.strictObject({
        refId: z.string().regex(/^[A-Z]$/),
        datasource: dataSource,
        expr: z.string().min(1),
        legendFormat: z.string().min(1),
        instant: z.literal(true).optional(),
        range: z.literal(true).optional(),
      }),
    )
    .min(1),
  fieldConfig: z.strictObject({
    defaults: z.strictObject({
      unit: z.string(),
      min: z.number().optional(),
      max: z.number().optional(),
      thresholds: z.strictObject({
        mode: z.literal('absolute'),
        steps: z.array(z.strictObject({ color: z.string(), value: z.number().nullable() })).min(1),
      }),
    }),
    overrides: z.array(z.never()),
  }),
  options: z.record(z.string(), z.unknown()),
});

const rowSchema = z.strictObject({
  id: z.int().positive(),
  type: z.literal('row'),
  title: z.string().min(1),
  collapsed: z.literal(false),
  panels: z.array(z.never()),
  gridPos,
});

const variableSchema = z.discriminatedUnion('type', [
  z.strictObject({
    type: z.literal('datasource'),
    name: z.literal('datasource'),
    label: z.string(),
    query: z.literal('prometheus'),
  }),
  z.strictObject({
    type: z.literal('query'),
    name: z.string(),
    label: z.string(),
    datasource: dataSource,
    definition: z.string(),
    query: z.strictObject({ query: z.string(), refId: z.string() }),
    refresh: z.literal(2),
    sort: z.literal(1),
    multi: z.literal(true),
    includeAll: z.literal(true),
    current: z.strictObject({ text: z.tuple([z.literal('All')]), value: z.tuple([z.literal('$__all')]) }),
  }),
]);

/** What Grafana imports. Nothing of one installation: no numeric `id`, and no data source but the variable. */
export const dashboardSchema = z.strictObject({
  uid: z.string().max(40),
  title: z.string(),
  description: z.string(),
  tags: z.array(z.string()),
  schemaVersion: z.int(),
  version: z.int(),
  editable: z.literal(true),
  timezone: z.literal('utc'),
  time: z.strictObject({ from: z.string(), to: z.string() }),
  refresh: z.string(),
  templating: z.strictObject({ list: z.array(variableSchema) }),
  panels: z.array(z.discriminatedUnion('type', [panelSchema, rowSchema])),
});

export type DashboardPanel = z.infer<typeof panelSchema>;

/** The dashboard of docs/grafana. @throws ZodError where it is not what Grafana imports */
export function readDashboard() {
  const dashboard = dashboardSchema.parse(JSON.parse(readFileSync('docs/grafana/dashboard.json', 'utf8')));
  const panels = dashboard.panels.filter((panel): panel is DashboardPanel => panel.type !== 'row');
  return { dashboard, panels, expressions: panels.flatMap(({ targets }) => targets.map(({ expr }) => expr)) };
}
