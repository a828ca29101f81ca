import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { alarms } from '../../commands/alarms.ts';
import { checkWarehouse } from '../../commands/check-warehouse.ts';
import { flag } from '../../commands/flag.ts';
import { integration } from '../../commands/integration.ts';
import { ledger } from '../../commands/ledger.ts';
import { preflight } from '../../commands/preflight.ts';
import { reconcile } from '../../commands/reconcile.ts';
import { redrive } from '../../commands/redrive.ts';
import { replay } from '../../commands/replay.ts';
import type { Command } from '../../commands/run-command.ts';
import { sendTest } from '../../commands/send-test.ts';
import { findStage } from '../../lib/stage.ts';
import { parseCommand } from '../../local/console/commands.ts';
import { flatten, synthesize } from '../support/synthesized-stack.ts';
import { Reached, unreachable } from './unreachable-stage.ts';

const ROOT = join(import.meta.dirname, '../..');
const read = (file: string) => readFileSync(join(ROOT, file), 'utf8');
const runbook = read('docs/runbook.md');
const prose = runbook.replaceAll(/\s+/g, ' ');

const PROGRAMS: Readonly<Record<string, Command>> = {
  ...{ alarms, flag, integration, ledger, preflight, reconcile, redrive, replay },
  'check-warehouse': checkWarehouse,
  'send-test': sendTest,
};

/** Whether in a block of their own or in a sentence; what an operator puts in is in capitals. */
const commands = [...new Set([...runbook.matchAll(/npm run -s [^`\n]+/g)].map(([command]) => command))]
  .map((command) =>
    command.replace('WEBHOOK_ID', 'wh_47061ac29ac968601960f05df5e1afdf6be3b6da').replace(/\bID\b/, 'acme'),
  )
  .toSorted();

describe('its commands', () => {
  test.each(commands)('%s', async (command) => {
    const [, script = '', words = ''] = /^npm run -s ([a-z-]+)(?: -- (.*))?$/.exec(command) ?? [];
    expect(JSON.parse(read('package.json')).scripts).toHaveProperty([script]);
    if (script === 'local') {
      expect(parseCommand(words.split(' '))).toBeDefined();
      return;
    }
    await expect(PROGRAMS[script]?.(words.split(' ').filter(Boolean), unreachable)).rejects.toBeInstanceOf(Reached);
  });

  test('ask for outputs and functions that the stack has', () => {
    const { Outputs, Resources } = synthesize('prod');
    const asked = [...runbook.matchAll(/output ([A-Z]\w+)/g)].map(([, name]) => name as string);
    expect(Object.keys(Outputs)).toEqual(expect.arrayContaining(asked));
    const logged = new Set([...runbook.matchAll(/\blogs ([A-Z]\w+)/g)].map(([, name]) => name as string));
    const logGroups = Object.keys(Resources).filter((id) => Resources[id]?.Type === 'AWS::Logs::LogGroup');
    for (const name of logged) expect(logGroups.filter((id) => flatten({ Ref: id }).includes(name))).toHaveLength(1);
  });
});

test('its links lead to headings', () => {
  const anchorsOf = (text: string) =>
    [...text.matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
      heading
        .toLowerCase()
        .replaceAll(/[^a-z0-9 -]/g, '')
        .replaceAll(' ', '-'),
    );
  const links = [...runbook.matchAll(/\]\(([a-z-]+\.md)?(?:#([^)]+))?\)/g)];
  expect(links.length).toBeGreaterThan(40);
  for (const [, file = 'runbook.md', anchor] of links) {
    if (anchor !== undefined)
      expect([file, anchorsOf(read(join('docs', file)))]).toEqual([file, expect.arrayContaining([anchor])]);
  }
});

test('each heading of an alarm says what it means, and what to do or where to look', () => {
  for (const section of runbook.split(/^### /m).slice(1)) {
    expect(section).toMatch(/\*\*Means\*\*/);
    expect(section).toMatch(/\*\*(Look|Do|Impact)\*\*/);
  }
});

test('its numbers are the stage’s', () => {
  const { ledger: held, warehouse } = findStage('prod');
  expect(prose).toContain(`the ledger holds every accepted event for ${held.payloadDays}`);
  expect(prose).toContain(`after three failures functions leave it alone for ${warehouse.breaker.openSeconds} s`);
  expect(warehouse.breaker.failuresToOpen).toBe(3);
  expect(prose).toContain(`Over ${warehouse.breaker.slowSeconds} s count as failures`);
});
