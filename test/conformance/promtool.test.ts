import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from '@jest/globals';
import { GAUGES } from '../../lambdas/status/prometheus.ts';
import { prometheusText } from '../../lambdas/status/prometheus-text.ts';
import { codeOf } from '../docs/guide-steps.ts';
import { describeWithPromtool, promtool } from '../support/promtool.ts';

const GUIDE = readFileSync(join(import.meta.dirname, '../../docs/operations-api.md'), 'utf8');
const directory = mkdtempSync(join(tmpdir(), 'promtool-'));
afterAll(() => rmSync(directory, { recursive: true }));

/** A sample of every gauge, with this text in its labels. */
function everything(label: string, value: number): string {
  const samples = Object.entries(GAUGES).map(([key, gauge]) => {
    const labels = Object.fromEntries((gauge.labels ?? []).map((name) => [name, label]));
    return [key, [{ labels, value }]] as const;
  });
  return prometheusText(Object.fromEntries(samples));
}

/** Minute by minute: what is measured, and which alerts fire then. In JSON, which is YAML. */
const ALERTS_TEST = JSON.stringify({
  rule_files: ['alerts.yml'],
  evaluation_interval: '1m',
  tests: [
    {
      interval: '1m',
      input_series: [
        { series: GAUGES.successRatio.name, values: '0.93 0.85 0.93 0.79 0.8 0.93 0.95 0.93' },
        { series: `${GAUGES.attempts.name}{integration="acme",result="failure"}`, values: '10 11 10' },
        { series: `${GAUGES.attempts.name}{integration="acme",result="success"}`, values: '11 11 11' },
        { series: `${GAUGES.sourceUp.name}{source="metrics"}`, values: '1+0x3 0+0x20' },
      ],
      alert_rule_test: [
        ...firesAt('WebhooksOftenFailing', 'warning', 'Fewer than 90% of attempts succeed', [1, 2, 3, 4, 5], [0, 6, 7]),
        ...firesAt('WebhooksFailing', 'critical', 'Fewer than 80% of attempts succeed', [3], [2, 4]),
        ...firesAt('WebhookMetricsUnread', 'warning', 'Webhook metrics cannot be read', [14, 15], [3, 4, 13]),
        ...firesAt('IntegrationFailing', 'info', 'More than 10 attempts failed in the last hour at acme', [1], [0, 2], {
          integration: 'acme',
          result: 'failure',
        }),
      ],
    },
  ],
});

function firesAt(
  alertname: string,
  severity: string,
  summary: string,
  firing: readonly number[],
  silent: readonly number[],
  labels: object = {},
): object[] {
  const alert = { exp_labels: { severity, ...labels }, exp_annotations: { summary } };
  return [
    ...firing.map((minute) => ({ eval_time: `${minute}m`, alertname, exp_alerts: [alert] })),
    ...silent.map((minute) => ({ eval_time: `${minute}m`, alertname, exp_alerts: [] })),
  ];
}

function written(name: string, text: string): string {
  const path = join(directory, name);
  writeFileSync(path, text);
  return path;
}

describeWithPromtool('Prometheus’ own checker', () => {
  test.each([
    ['acme', 1],
    ['a"b\\c\nd', 0.967],
    ['ünïcödé 漢字 🎓 \u2028\r\t\u0000', 1e21],
    ['\uD800 half of a character', -0],
    ['', Number.NaN],
    ['{},=# ', Number.POSITIVE_INFINITY],
  ])('takes every gauge, its name and its help, with %j in its labels and the value %d', (label, value) => {
    expect(promtool(['check', 'metrics'], everything(label, value))).toEqual({ status: 0, output: '' });
  });

  const [scraping = '', alerts = ''] = codeOf(GUIDE, 'yaml');

  test('takes the guide’s configuration', () => {
    // It looks whether the token’s file is there.
    const token = written('learning-time-webhooks.token', 'token');
    const text = scraping.replace(/credentials_file: \S+/, `credentials_file: ${token}`);
    expect(promtool(['check', 'config', written('prometheus.yml', text)])).toMatchObject({ status: 0 });
  });

  test('takes the guide’s rules', () => {
    const { status, output } = promtool(['check', 'rules', '--lint-fatal', written('alerts.yml', alerts)]);
    expect([status, output]).toEqual([
      0,
      expect.stringContaining(`${alerts.match(/^ *- alert: /gm)?.length} rules found`),
    ]);
  });

  test('finds that the guide’s rules fire as requirement W6 says: under 80%, under 90% until 95%, over 10 errors in an hour', () => {
    written('alerts.yml', alerts);
    expect(promtool(['test', 'rules', written('alerts-test.yml', ALERTS_TEST)])).toMatchObject({ status: 0 });
  });
});
