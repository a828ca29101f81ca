import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { runProgram } from '../../commands/main.ts';
import type { Context } from '../../commands/shared/context.ts';
import { CommandFailed } from '../../commands/shared/failures.ts';
import { METRIC_DEFINITIONS } from '../../lambdas/shared/metric-definitions.ts';
import { STAGE_NAMES } from '../../lib/stage.ts';
import { parseCommand } from '../../local/control/commands.ts';
import { NOW } from '../support/factories.ts';
import { flatten, type Resource, resourcesOf, synthesize } from '../support/synthesized-stack.ts';

const ROOT = join(import.meta.dirname, '../..');
const guides = new Map(
  ['README.md', 'CONTRIBUTING.md', 'SECURITY.md', ...globSync('docs/**/*.md', { cwd: ROOT })].map((file) => [
    file,
    readFileSync(join(ROOT, file), 'utf8'),
  ]),
);
const all = [...guides.values()].join('\n');

/** All that a pattern's first group matches, each once. */
function mentions(pattern: RegExp, text = all): string[] {
  return [...new Set([...text.matchAll(pattern)].map(([, found = '']) => found))].toSorted();
}

describe('links', () => {
  const anchorsOf = (text: string) =>
    mentions(/^#+ (.+)$/gm, text).map((heading) =>
      heading
        .toLowerCase()
        .replaceAll(/[^\w -]/g, '')
        .replaceAll(' ', '-'),
    );

  test.each([...guides])('of %s lead to files and headings', (guide, text) => {
    const broken = mentions(/\]\((?!https?:)([^)\s]+)\)/g, text).filter((link) => {
      const [path = '', anchor] = link.split('#');
      const target = path === '' ? guide : join(dirname(guide), path);
      if (!existsSync(join(ROOT, target))) return true;
      return anchor !== undefined && !anchorsOf(readFileSync(join(ROOT, target), 'utf8')).includes(anchor);
    });
    expect(broken).toEqual([]);
  });
});

test('pages and steps that code names exist', () => {
  const files = globSync(
    ['commands', 'lambdas', 'lib', 'local'].map((folder) => `${folder}/**/*.ts`),
    { cwd: ROOT },
  );
  const code = files.map((file) => readFileSync(join(ROOT, file), 'utf8')).join('\n');
  for (const page of mentions(/(docs\/[\w/-]+\.md)/g, code)) expect([page, guides.has(page)]).toEqual([page, true]);
  for (const [, page = '', steps = ''] of code.matchAll(/(docs\/[\w/-]+\.md), steps? (\d+(?: and \d+)*)/g)) {
    for (const step of steps.split(' and ')) expect(guides.get(page)).toMatch(new RegExp(`^## ${step}\\. `, 'm'));
  }
});

describe('commands', () => {
  /** Whether a command gets as far as to the stage, or to a file: so all its words were understood. */
  const isRunnable = (words: readonly string[]) => {
    const openStage = async () => {
      throw new CommandFailed('no stage is reachable');
    };
    const context = { now: () => NOW, openStage, terminal: { print() {} } } as unknown as Context;
    return runProgram(words, context).then(
      () => false,
      (thrown) => thrown instanceof CommandFailed,
    );
  };

  async function helpOf(words: readonly string[]): Promise<string> {
    const lines: string[] = [];
    const terminal = { print: (text: string) => void lines.push(text) };
    await runProgram([...words, '--help'], { terminal } as unknown as Context);
    return lines.join('\n');
  }

  /** What an operator puts in is in capitals. Those that read or write files are run by tests of their own. */
  const commands = mentions(/((?:npm run -s local --|\.\/ltw) (?:[^`\n\\]|\\\n)+)/g)
    .map((command) =>
      command
        .replace('WEBHOOK_ID', `wh_${'4'.repeat(40)}`)
        .replace(/\bID\b/, 'acme')
        .replace(/\bNAME\b/, 'EnrichBatch'),
    )
    .map((command) =>
      command
        .replace(/ #.*/, '')
        .replace(/\)$/, '')
        .replaceAll(/\s+\\\n\s+/g, ' ')
        .trim(),
    )
    .filter((command) => !/ \w[\w-]*\.(?:csv|json|jsonl)\b| --help$|^\.\/ltw partner-kit /.test(command));

  test('are npm scripts', () => {
    const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
    for (const script of mentions(/npm run (?:-s )?([a-z:-]+)/g)) expect(scripts).toHaveProperty([script]);
  });

  test.each(commands)('%s', async (command) => {
    const [program = '', ...words] = [...command.matchAll(/'([^']*)'|(\S+?)='(.*?)'|(\S+)/g)].map(
      ([, quoted, name, value, plain]) => plain ?? quoted ?? `${name}=${value}`,
    );
    if (program === 'npm') expect(parseCommand(words.slice(words.indexOf('--') + 1))).toBeDefined();
    else if (await isRunnable(words)) return;
    // Prose names a command without its arguments.
    else expect(await helpOf(words)).toContain(`Usage: ./ltw ${words.join(' ')} `);
  });

  test('choose stages that there are', () => {
    expect(mentions(/-c stage=([a-z]+)/g).filter((name) => !STAGE_NAMES.some((stage) => stage === name))).toEqual([]);
  });
});

describe('names of the stack', () => {
  const prod = synthesize('prod');

  test('are outputs', () => {
    const asked = [
      ...mentions(/\boutput "?([A-Z][a-z][A-Za-z]+)/g),
      ...mentions(/^LearningTimeWebhooks-dev\.(\w+) =/gm),
    ];
    expect(Object.keys(prod.Outputs)).toEqual(expect.arrayContaining(asked));
  });

  test('are functions with one log group each', () => {
    const logGroups = resourcesOf(prod, 'AWS::Logs::LogGroup').map(([id]) => flatten({ Ref: id }));
    for (const name of mentions(/\blogs ([A-Z][a-z][A-Za-z]+)/g))
      expect([name, logGroups.filter((id) => id.includes(name)).length]).toEqual([name, 1]);
  });
});

test('docs/metrics.md has every metric, as the contract defines it, with its alarms', () => {
  const alarmsOn = (metric: string) =>
    resourcesOf(synthesize('local'), 'AWS::CloudWatch::Alarm')
      .filter(([, { Properties }]) => {
        const { MetricName, Metrics = [] } = Properties;
        const names = Metrics.map(({ MetricStat }: Resource['Properties']) => MetricStat?.Metric.MetricName);
        return [MetricName, ...names].includes(metric);
      })
      .map(([, { Properties }]) => String(Properties.AlarmName).replace('learning-time-webhooks-local-', ''))
      .toSorted();
  const rows = [...(guides.get('docs/metrics.md') ?? '').matchAll(/^\| (`webhook\..*) \|$/gm)].map(([, row = '']) =>
    row.split('|').map((cell) => cell.trim().replaceAll('`', '')),
  );
  const defined = METRIC_DEFINITIONS.map(({ name, unit, services, meaning, dimensions = {} }) => {
    const linked = alarmsOn(name).map((alarm) => `[${alarm}](runbook.md#${alarm})`);
    return [name, unit.toLowerCase(), [...services, ...Object.keys(dimensions)].join(', '), meaning, linked.join(', ')];
  });
  expect(rows).toEqual(defined);
});
