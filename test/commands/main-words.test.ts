import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { runProgram } from '../../commands/main.ts';
import type { Context } from '../../commands/shared/context.ts';
import { NOW } from '../support/factories.ts';

const ID = `wh_${'4'.repeat(40)}`;

/** Runs a command line up to the point where it would open a stage. */
async function run(words: readonly string[]) {
  const printed: string[] = [];
  const context = {
    now: () => NOW,
    openStage: async (stage: string) => {
      throw new Error(`opens ${stage}`);
    },
    terminal: { print: (text: string) => void printed.push(text) },
  } as unknown as Context;
  const status = await runProgram(words, context);
  return { status, printed: printed.join('\n') };
}

/** `a b  c` as words; what has spaces stands in quotation marks. */
const wordsOf = (line: string) =>
  [...line.matchAll(/"([^"]*)"|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain ?? '');

describe('help', () => {
  const namesIn = (help: string) =>
    [...help.matchAll(/^ {2}([a-z-]+)(?= .*\S {2,}|\S* {2,})/gm)]
      .map(([, name = '']) => name)
      .filter((name) => name !== 'help');

  test('of the program lists the commands and the exit codes', async () => {
    const { status, printed } = await run(['--help']);
    expect(status).toBe(0);
    expect(namesIn(printed)).toEqual([
      ...['status', 'preflight', 'alarms', 'logs', 'check-warehouse', 'send-test', 'retry-schedule', 'rollout'],
      ...[
        'console',
        'integration',
        'partner-kit',
        'flag',
        'warm-cache',
        'ledger',
        'publish',
        'replay',
        'redrive',
        'rejected',
        'reconcile',
      ],
    ]);
    expect(printed).toMatch(/\n {2}0 {2}done.*\n {2}1 {2}.*\n {2}2 {2}the command line is wrong/);
  });

  test.each([
    [
      'integration',
      [
        'list',
        'validate',
        'add',
        'pause',
        'resume',
        'rotate',
        'change-credentials',
        'next-certificate',
        'switch-certificate',
      ],
    ],
    ['flag', ['status', 'enable', 'percent', 'ttl', 'pilot', 'disable', 'revert']],
    ['flag pilot', ['add', 'remove']],
    ['ledger', ['show', 'last', 'list', 'reasons', 'count', 'adoption', 'search', 'forget', 'close']],
    ['rollout', ['check']],
  ])('of %s lists its commands, each with its own help', async (group, names) => {
    expect(namesIn((await run([...group.split(' '), '--help'])).printed)).toEqual(names);
    for (const name of names) {
      const line = `${group} ${name}`;
      expect((await run([...line.split(' '), '--help'])).printed).toMatch(new RegExp(`^Usage: ./ltw ${line} `));
    }
  });
});

test('the program loads no AWS SDK before a command runs: help is printed at once', () => {
  const seen = new Set<string>();
  const packages = new Set<string>();
  const visit = (file: string) => {
    if (seen.has(file)) return;
    seen.add(file);
    const imports = /^(?:import|export) (?!type )(?:[^;']*? from )?'([^']+)'/gm;
    for (const [, name = ''] of readFileSync(file, 'utf8').matchAll(imports)) {
      if (name.startsWith('.')) visit(join(dirname(file), name));
      else packages.add(name);
    }
  };
  visit('commands/main.ts');
  expect([...packages].filter((name) => !name.startsWith('node:')).toSorted()).toEqual([
    '@commander-js/extra-typings',
    'zod',
  ]);
});

test.each([
  ['', /^Usage: /],
  ['flag', /^Usage: /],
  ['lgs', /^unknown command 'lgs'\n\(Did you mean flag\?\)|^unknown command 'lgs'/],
  ['alarm', /Did you mean alarms\?/],
  ['alarms --stgae dev', /Did you mean --stage\?/],
  ['alarms --stage Dev!', /Allowed choices are local, dev, staging, prod/],
  ['alarms now', /too many arguments/],
  ['check-warehouse sums.csv', /too many arguments/],
  ['check-warehouse --sample', /argument missing/],
  ['send-test', /required option '--integration <id>'/],
  ['send-test --integration "a b"', /cannot be the id of an integration/],
  ['retry-schedule --integration acme --event-type grading', /Allowed choices are course_completion/],
  ['retry-schedule --integration acme --at tomorrow', /must have an offset/],
  ['retry-schedule --integration acme --at 2026-01-31T23:00:00', /must have an offset/],
  ['retry-schedule --integration acme --file x --stage dev', /cannot be used with option '--file <file>'/],
  ['rollout go', /unknown command 'go'/],
  ['rollout check', /missing required argument 'phase'/],
  ['rollout check canary', /Allowed choices are pilot, limited, expanded, full/],
  ['rollout check pilot --hours 337', /must be a number from 0.25 to 336/],
  ['integration lsit', /Did you mean list\?/],
  ['integration list --file x --stage dev', /cannot be used with option '--file <file>'/],
  ['integration add --id acme', /add takes --id and --url, or --file/],
  ['integration add --file x.json --id acme', /cannot be used with option '--id <id>'/],
  ['integration add --file x.json --set a=b', /cannot be used with option '--set <key=value>'/],
  ['integration add --id acme --url https://acme.example --set region', /--set takes key=value/],
  ['integration add --id acme --url https://acme.example --bearer-token x', /unknown option '--bearer-token'/],
  ['integration pause', /the id of an integration, or --all/],
  ['integration pause acme --all', /the id of an integration, or --all/],
  ['integration pause a/b', /cannot be the id of an integration/],
  ['integration pause acme --no-release', /unknown option '--no-release'/],
  ['integration resume', /the id of an integration, or --all/],
  ['integration resume --all acme', /the id of an integration, or --all/],
  ['integration rotate', /missing required argument 'id'/],
  ['integration rotate acme --wait-seconds 1199 --stage prod', /at least 1200 for prod/],
  ['integration rotate acme --grace 19m --stage prod', /--grace is at least 20m for prod/],
  ['integration rotate acme --grace 24h --partner-has-switched', /'--grace <duration>' cannot be used with/],
  ...['0h', '-5h', '31d', '721h', '24', 'x', '1.5h', '""'].map((text): [string, RegExp] => [
    `integration rotate acme --grace ${text}`,
    /It must be 1m to 30d, written like 30m, 24h or 7d/,
  ]),
  ['partner-kit', /partner-kit takes --out, --schemas or --vector/],
  ['flag sometimes', /unknown command 'sometimes'/],
  ['flag enable now', /too many arguments/],
  ['flag percent', /missing required argument 'percentage'/],
  ['flag percent 101', /must be a whole number from 0 to 100/],
  ['flag percent -1', /unknown option|must be a whole number/],
  ['flag percent 12.5', /must be a whole number/],
  ['flag percent 1e1', /must be a whole number/],
  ['flag percent ""', /must be a whole number/],
  ['flag percent 5 6', /too many arguments/],
  ['flag ttl 59', /must be a whole number from 60 to 86400/],
  ['flag ttl 86401', /must be a whole number/],
  ['flag ttl hour', /must be a whole number/],
  ['flag pilot', /^Usage: /],
  ['flag pilot add', /missing required argument 'id'/],
  ['flag pilot replace a', /unknown command 'replace'/],
  ['flag pilot add a "b c"', /at most 64 letters, digits/],
  [`flag pilot add ${'a'.repeat(65)}`, /at most 64 letters/],
  ['flag pilot remove a:b', /at most 64 letters/],
  ['flag enable --yes', /unknown option '--yes'/],
  ['flag status --dry-run', /unknown option '--dry-run'/],
  ['flag disable please', /too many arguments/],
  ['flag revert 2', /too many arguments/],
  ['ledger list', /required option '--state <state>'/],
  ['ledger list --state failed', /Allowed choices are accepted, /],
  ['ledger list --state dead --since yesterday', /must be 30m, 24h or 7d ago/],
  ['ledger list --state dead --number 1.5', /must be a whole number from 1 to 10000/],
  ['ledger show', /show takes the id of a delivery, or --integration and --event-id/],
  ['ledger show wh_1 --integration acme --event-id e', /show takes/],
  ['ledger show --event-id e', /show takes/],
  ['ledger show wh_1 wh_2', /too many arguments/],
  ['ledger last --integration "Not an id"', /cannot be the id of an integration/],
  ['ledger last --integration acme --number 0', /must be a whole number/],
  ['ledger forget', /--user-id or --containing says whose events/],
  ['ledger forget --user-id 42 --json', /--json does not ask for confirmation: --yes or --dry-run is needed/],
  ['ledger last', /required option '--integration <id>'/],
  ['ledger forget --user-id sample_learner', /must be a number/],
  ['ledger forget --containing @ex', /must have at least 4 characters/],
  [`ledger close --as delivered --reason "Acme says so"`, /missing required argument 'webhook-id'/],
  [`ledger close wh_1 --as delivered --reason "Acme says so"`, /wh_ and 40 hexadecimal digits, or the first 6 or more/],
  [`ledger close wh_12345 --as delivered --reason "Acme says so"`, /the first 6 or more/],
  [`ledger close ${ID} --as dead --reason "Acme says so"`, /Allowed choices are delivered, cancelled/],
  [`ledger close ${ID} --as delivered`, /required option '--reason <text>'/],
  [`ledger close ${ID} --as delivered --reason " no "`, /must have at least 4 characters/],
  [`ledger close ${ID} --as delivered --reason "Acme says so" --json`, /--json does not ask for confirmation/],
  ['publish --count 0', /must be a whole number from 1 to 10000/],
  ['publish --type hot', /Allowed choices are completion, enrollment, lead/],
  ['publish --file x --count 2', /cannot be used with option '--count <n>'/],
  ['replay --integration a/b', /cannot be the id of an integration/],
  ['replay --integration ""', /cannot be the id of an integration/],
  ['replay --state accepted', /Allowed choices are dead, delivered, parked/],
  ['replay --state dead,parked', /Allowed choices are/],
  ['replay --since yesterday', /must be 30m/],
  ['replay --all --until 24', /must be 30m/],
  ['replay --all --rate 0', /must be a whole number from 1 to 100/],
  ['replay --all --rate 101', /must be a whole number/],
  ['replay --all --rate 1.5', /must be a whole number/],
  ['replay --all --rate fast', /must be a whole number/],
  ['replay --all --rate ""', /must be a whole number/],
  ['replay', /narrow it down, or say --all/],
  [`replay ${ID} --all`, /not both/],
  ['replay --al', /Did you mean --all\?/],
  ['redrive --rate 0', /must be a whole number from 1 to 500/],
  ['redrive --rate 501', /must be a whole number/],
  ['redrive --stop --yes', /cannot be used with option '--yes'/],
  ['redrive --stop --rate 5', /cannot be used with option '--rate <n>'/],
  ['redrive wh_1', /too many arguments/],
  ['rejected show ""', /must be the id of a message, or how it starts/],
  ['reconcile --days 0', /must be a whole number from 1 to 400/],
  ['reconcile --days 401', /must be a whole number/],
  ['reconcile --bound-seconds -1', /argument missing|must be a number/],
  ['reconcile --integration a/b', /cannot be the id of an integration/],
  ['reconcile acme', /too many arguments/],
])('%s: is a usage error, and no stage is opened', async (line, message) => {
  await expect(run(wordsOf(line))).rejects.toMatchObject({
    name: 'UsageError',
    message: expect.stringMatching(message),
  });
});
