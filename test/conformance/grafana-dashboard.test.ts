import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { OPERATIONS_PATHS } from '../../lambdas/status/health-document.ts';
import { output } from '../../local/demo/operator.ts';
import { completion, LEARNER, lead } from '../../local/demo/sample-events.ts';
import { awaitQuiet } from '../../local/soak/await-quiet.ts';
import { codeOf } from '../docs/guide-steps.ts';
import { logged, publishTo, publishTogether, runningSession, until } from '../e2e/running-session.ts';
import { until as untilReal } from '../support/assembly.ts';
import { readDashboard } from '../support/dashboard.ts';
import { describeWithPrometheus, type PrometheusServer, startPrometheus } from '../support/prometheus-server.ts';

const JOB = 'learning-time-webhooks';

describeWithPrometheus('the Grafana dashboard, with Prometheus', () => {
  const session = runningSession({
    flag: 'on',
    partners: { takes: { behaviour: 200 }, refuses: { behaviour: 400 } },
  });
  const { dashboard, panels } = readDashboard();
  let prometheus: PrometheusServer;

  beforeAll(async () => {
    await session().skipPollInterval();
    await publishTogether(session(), [completion('enriched', 'takes', LEARNER.known)]);
    await publishTo(session(), 'refuses', ['refused']);
    await awaitQuiet(session());
    const now = new Date().toISOString();
    await session().publish([JSON.stringify(lead('waits', 'takes', 4711, 'calculated', now, { delay_minutes: 180 }))]);
    await until(session(), async () =>
      (await logged(session(), 'events.enriched')).some(({ scheduled }) => scheduled === 1),
    );
    const { platform } = session();
    const secret = platform.controlPlane.secretsManager.current(output(platform, 'MetricsTokenSecretName'));
    prometheus = await startPrometheus({
      global: { scrape_interval: '1s' },
      scrape_configs: [
        {
          job_name: JOB,
          metrics_path: OPERATIONS_PATHS.metrics,
          authorization: { type: 'Bearer', credentials: JSON.parse(secret ?? '{}').token },
          static_configs: [{ targets: [new URL(output(platform, 'StatusApiUrl')).host] }],
        },
      ],
    });
    await untilReal(async () => (await prometheus.query('up == 1')).length > 0);
  });
  afterAll(() => prometheus?.close());

  /** As Grafana does where all values of a variable are chosen. */
  async function interpolated(text: string): Promise<string> {
    let result = text;
    for (const variable of dashboard.templating.list) {
      if (variable.type !== 'query' || !result.includes(`$${variable.name}`)) continue;
      result = result.replaceAll(`$${variable.name}`, `(${(await valuesOf(variable.name)).join('|')})`);
    }
    return result;
  }

  async function valuesOf(name: string): Promise<readonly string[]> {
    const variable = dashboard.templating.list.find((one) => one.name === name);
    if (variable?.type !== 'query') throw new Error(`no variable ${name} with a query`);
    const [, selector = '', label = ''] = /^label_values\((.+), (\w+)\)$/.exec(variable.query.query) ?? [];
    return prometheus.labelValues(label, await interpolated(selector));
  }

  test('its variables list the stages and the integrations', async () => {
    expect(await valuesOf('job')).toEqual([JOB]);
    expect(await valuesOf('integration')).toEqual(['refuses', 'takes']);
  });

  test('the guide’s job has the name that the dashboard lists', () => {
    const guide = readFileSync(join(import.meta.dirname, '../../docs/operations-api.md'), 'utf8');
    expect(codeOf(guide, 'yaml')[0]).toContain(`job_name: ${JOB}\n`);
  });

  test.each(panels.flatMap(({ title, type, targets }) => targets.map((target) => [title, type, target] as const)))(
    '“%s” (%s) has data',
    async (_title, type, { expr, legendFormat }) => {
      const samples = await prometheus.query(await interpolated(expr));
      expect(samples.length).toBeGreaterThan(0);
      expect(samples.filter(({ value }) => Number.isNaN(value))).toEqual([]);
      if (type === 'stat') expect(samples).toHaveLength(1);
      const labels = legendFormat.match(/(?<=\{\{)\w+(?=\}\})/g) ?? [];
      for (const { metric } of samples) expect(Object.keys(metric)).toEqual(expect.arrayContaining(labels));
      const legends = samples.map(({ metric }) =>
        legendFormat.replaceAll(/\{\{(\w+)\}\}/g, (_text, label: string) => metric[label] ?? ''),
      );
      expect(new Set(legends).size).toBe(samples.length);
    },
  );

  test('its numbers are those of the two deliveries', async () => {
    const value = async (title: string) => {
      const panel = panels.find((one) => one.title === title);
      return prometheus.query(await interpolated(panel?.targets[0]?.expr ?? ''));
    };
    expect(await value('Delivered')).toMatchObject([{ value: 1 }]);
    expect(await value('Dead-lettered')).toMatchObject([{ value: 1 }]);
    expect(await value('Attempts that succeed')).toMatchObject([{ value: 0.5 }]);
    expect(await value('Failed attempts by integration')).toEqual(
      expect.arrayContaining([{ metric: { integration: 'refuses' }, value: 1 }]),
    );
    expect(await value('All sources read')).toMatchObject([{ value: 1 }]);
  });

  test('Prometheus refuses an expression that is wrong', async () => {
    await expect(prometheus.query('sum by (')).rejects.toThrow('parse error');
  });
});
