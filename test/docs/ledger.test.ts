import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { LEDGER_USAGE } from '../../commands/ledger.ts';
import { REDRIVE_USAGE } from '../../commands/redrive.ts';
import { readReplayOptions } from '../../commands/replay/read-options.ts';
import { KEPT_ANSWER_CHARACTERS, MIN_LEASE_SECONDS, WEBHOOK_STATES } from '../../lambdas/contract/ledger.ts';
import { reconcileInputSchema } from '../../lambdas/contract/reconciliation.ts';
import { LONGEST_PARKING_MS } from '../../lambdas/domain/balance.ts';
import { leaseMs } from '../../lambdas/domain/ledger.ts';
import { findStage } from '../../lib/stage.ts';
import { NOW } from '../support/factories.ts';

const ROOT = join(import.meta.dirname, '../..');
const guide = readFileSync(join(ROOT, 'docs/ledger.md'), 'utf8');
const prose = guide.replaceAll(/\s+/g, ' ');
const shell = [...guide.matchAll(/```sh\n(.*?)```/gs)].map(([, code]) => code).join('');

test('the guide’s table has every state, in its order', () => {
  const states = [...guide.matchAll(/^\| `([a-z]+)` \|/gm)].map(([, name]) => name);
  expect(states).toEqual([...WEBHOOK_STATES]);
});

describe('its commands', () => {
  const lines = shell.split('\n').filter((line) => line.startsWith('npm run'));

  test('are npm scripts', () => {
    const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
    const names = lines.map((line) => /^npm run -s ([a-z]+)/.exec(line)?.[1] ?? line);
    expect(new Set(names)).toEqual(new Set(['ledger', 'replay', 'redrive', 'integration', 'reconcile']));
    for (const name of names) expect(scripts).toHaveProperty([name]);
  });

  test('have questions and options that exist', () => {
    for (const [, question = ''] of shell.matchAll(/ledger -- (\w+)/g))
      expect(LEDGER_USAGE).toContain(`  ${question} `);
    for (const [, option = ''] of shell.matchAll(/redrive +-- (--\w+)/g)) expect(REDRIVE_USAGE).toContain(option);
    const replays = [...shell.matchAll(/replay -- (.*)/g)].map(([, words = '']) => words.split(' '));
    expect(replays.map((words) => readReplayOptions(words, NOW).isDryRun)).toEqual([true, false]);
  });
});

test('its numbers are the code’s', () => {
  const { payloadDays, factsDays } = findStage('dev').ledger;
  expect(guide).toContain(`| ${payloadDays} days (\`output LedgerPayloadDays\`) |`);
  expect(guide).toContain(`| ${factsDays} days (\`output LedgerFactsDays\`) |`);
  expect(guide).toContain(`(${KEPT_ANSWER_CHARACTERS} characters)`);
  expect(prose).toContain(`After ${LONGEST_PARKING_MS / 3600_000} hours without a try a parked webhook is given up`);
  expect(prose).toContain(
    `for ${MIN_LEASE_SECONDS} s or the integration's timeout and ${leaseMs(60_000) / 1000 - 60} s`,
  );
  expect(prose).toContain('for half an hour is **stuck**');
  expect(reconcileInputSchema.parse({})).toMatchObject({ in_flight_bound_seconds: 1800, days: 4 });
  expect(prose).toContain('every hour over the last four days');
});

test('its links lead to headings', () => {
  const headings = [...guide.matchAll(/^#+ (.+)$/gm)].map(([, text = '']) => text.toLowerCase().replaceAll(' ', '-'));
  for (const [, anchor] of guide.matchAll(/\]\(#([^)]+)\)/g)) expect(headings).toContain(anchor);
});
