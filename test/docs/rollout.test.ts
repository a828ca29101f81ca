import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { POLL_INTERVAL_MS } from '../../commands/deployed-document.ts';
import { flag } from '../../commands/flag.ts';
import { ledger } from '../../commands/ledger.ts';
import { reconcile } from '../../commands/reconcile.ts';
import { CRITERIA, PHASES } from '../../commands/rollout/criteria.ts';
import { ROLLOUT_USAGE, rollout } from '../../commands/rollout.ts';
import type { Command } from '../../commands/run-command.ts';
import { FLAG_KEY } from '../../lambdas/contract/flag.ts';
import { METRICS, metricsNamespace } from '../../lambdas/contract/metrics.ts';
import { Reached, unreachable } from './unreachable-stage.ts';

const ROOT = join(import.meta.dirname, '../..');
const read = (file: string) => readFileSync(join(ROOT, file), 'utf8');
const guide = read('docs/rollout.md');
const prose = guide.replaceAll(/\s+/g, ' ');
const shell = [...guide.matchAll(/```sh\n(.*?)```/gs)].map(([, code]) => code).join('');

const PROGRAMS: Readonly<Record<string, Command>> = { flag, rollout, ledger, reconcile };

describe('its commands', () => {
  const lines = shell.split('\n').filter((line) => line !== '');

  test.each(lines)('%s', async (line) => {
    const [, script = '', words = ''] = /^npm run -s ([a-z]+)(?: -- ([^#]*))?(?:$|#| )/.exec(line) ?? [];
    expect(JSON.parse(read('package.json')).scripts).toHaveProperty([script]);
    await expect(PROGRAMS[script]?.(words.split(' ').filter(Boolean), unreachable)).rejects.toBeInstanceOf(Reached);
  });

  test('check every phase over the week that it takes, and again and again when it is reached', () => {
    for (const phase of PHASES) expect(shell).toContain(`rollout -- check ${phase} --hours 168`);
    expect(shell).toContain('rollout -- check full --hours 24');
  });

  test('enter the stages in the order and with the percentages of the criteria', () => {
    const rows = [...guide.matchAll(/^\| \[\d\. .*`rollout -- check (\w+)`/gm)].map(([, phase]) => phase);
    expect(rows).toEqual([...PHASES]);
    const entered = [...guide.matchAll(/^\| \[\d\. .*\): (.*?) \|.*(?:percent (\d+)|enable)`/gm)];
    expect(entered.map(([, , percent]) => percent)).toEqual([undefined, '10', '50', '100']);
    for (const phase of ['limited', 'expanded'] as const) expect(prose).toContain(CRITERIA[phase].reach.split(' ')[0]);
  });

  test('that go down take the steps of document 000', () => {
    const section = guide.slice(guide.indexOf('### A stage back'));
    expect([...section.matchAll(/percent (\d+)/g)].map(([, percent]) => percent)).toEqual(['50', '25', '10', '0']);
  });
});

describe('what the check prints', () => {
  const printed = /check pilot --hours 0\.33\n```\n\n\*prints\*:\n\n```\n(.*?)```/s.exec(guide)?.[1] ?? '';

  test('has every criterion of the phase, its bound and its document, and the questions', () => {
    const rows = [...printed.matchAll(/^(yes|no|not enough data) +(.*?) {2,}\S.*? {2,}(.*?) {2,}\d+ +(.*)$/gm)];
    expect(rows.map(([, , says, bound, source]) => [says, bound, source])).toEqual(
      CRITERIA.pilot.criteria.map(({ says, figure, bound, source }) => {
        const unit = figure === 'deliveryLatencyP95' ? ' ms' : '%';
        return [says, `${bound.is} ${'target' in bound ? bound.target : ''}${unit}`, source];
      }),
    );
    for (const { asks } of CRITERIA.pilot.questions) expect(printed).toContain(asks);
  });

  test('is explained with the code’s numbers', () => {
    const least = new Set(PHASES.flatMap((phase) => CRITERIA[phase].criteria.map((criterion) => criterion.least)));
    expect([...least].sort((one, other) => one - other)).toEqual([20, 100]);
    expect(prose).toContain('shares and p95 need 20 samples, those that tell 1% need 100');
    expect(ROLLOUT_USAGE).toContain('0.25 to 336 (default: 24)');
    expect(prose).toContain('24 hours is the default, 336 the most');
    expect(prose).toContain(`within ${POLL_INTERVAL_MS / 1000} s every function has it`);
  });
});

test('the notice is the partner guide’s, for one format', () => {
  const notice = /```text\n(.*?)```/s.exec(guide)?.[1] ?? '';
  const partners = /```text\n(Subject: .*?)```/s.exec(read('docs/partner-guide.md'))?.[1] ?? '';
  const others = /<learning_time_object>\n|<completion_field>\n.*?(?=\nIt is optional)/gs;
  expect(notice).toBe(partners.replaceAll(others, ''));
});

test('where the old names went, there is what the table says', () => {
  const table = guide.slice(guide.indexOf('## Where the old names went'));
  for (const name of [FLAG_KEY, metricsNamespace('<stage>'), METRICS.cacheHit]) expect(table).toContain(`\`${name}\``);
  const { scripts } = JSON.parse(read('package.json'));
  for (const [, script = ''] of table.matchAll(/npm run ([a-z-]+)/g)) expect(scripts).toHaveProperty([script]);
  for (const [, file = ''] of table.matchAll(/`(lib\/[a-z-]+\.ts)`/g)) expect(existsSync(join(ROOT, file))).toBe(true);
});

test('its links lead to headings', () => {
  const anchorsOf = (text: string) =>
    [...text.matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
      heading
        .toLowerCase()
        .replaceAll(/[^a-z0-9 -]/g, '')
        .replaceAll(' ', '-'),
    );
  for (const [, file = '', anchor] of guide.matchAll(/\]\(([a-z-]+\.md)?(?:#([^)]+))?\)/g)) {
    const text = file === '' ? guide : read(`docs/${file}`);
    if (anchor !== undefined) expect(anchorsOf(text)).toContain(anchor);
  }
});
