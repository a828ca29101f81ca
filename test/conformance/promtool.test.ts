import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from '@jest/globals';
import { GAUGES } from '../../lambdas/contract/prometheus.ts';
import { prometheusText } from '../../lambdas/domain/prometheus-text.ts';
import { describeWithPromtool, promtoolCheck } from '../support/promtool.ts';

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
    expect(promtoolCheck(['metrics'], everything(label, value))).toEqual({ status: 0, output: '' });
  });

  test('takes no text at all', () => {
    expect(promtoolCheck(['metrics'], prometheusText({}))).toEqual({ status: 0, output: '' });
  });

  test.each([
    ['a label that is not escaped', 'a{b="c"d"} 1\n'],
    ['a gauge that is called a counter', '# HELP a_total A.\n# TYPE a_total gauge\na_total 1\n'],
    ['an abbreviated unit', '# HELP a_ms A.\n# TYPE a_ms gauge\na_ms 1\n'],
    ['no help', '# TYPE a gauge\na 1\n'],
  ])('finds fault with %s', (_, text) => {
    const { status, output } = promtoolCheck(['metrics'], text);
    expect([status === 0, output]).toEqual([false, expect.stringMatching(/\S/)]);
  });

  const [scraping = '', alerts = ''] = [...GUIDE.matchAll(/^```yaml\n(.*?)^```$/gms)].map(([, text]) => text);

  test('takes the guide’s configuration', () => {
    // It looks whether the token’s file is there.
    const token = written('learning-time-webhooks.token', 'token');
    const text = scraping.replace(/credentials_file: \S+/, `credentials_file: ${token}`);
    expect(promtoolCheck(['config', written('prometheus.yml', text)])).toMatchObject({ status: 0 });
  });

  test('takes the guide’s rules', () => {
    const { status, output } = promtoolCheck(['rules', '--lint-fatal', written('alerts.yml', alerts)]);
    expect([status, output]).toEqual([0, expect.stringContaining('4 rules found')]);
  });
});
