import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';

let root: string;

/** A checkout of which only the launcher is real: npm and both Nodes print how they are called. */
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'ltw-'));
  write('ltw', '');
  copyFileSync('ltw', join(root, 'ltw'));
  write('package-lock.json', '{}');
  const prints = (name: string) => `#!/bin/sh\necho ${name} "$@"\n`;
  write('path/npm', `${prints('npm')}mkdir -p node_modules && touch node_modules/.package-lock.json\n`);
  write('path/node', prints('other-node'));
  write('node_modules/.bin/node', prints('node "$NODE_COMPILE_CACHE"'));
});

afterEach(() => rmSync(root, { recursive: true }));

function write(file: string, text: string): void {
  mkdirSync(dirname(join(root, file)), { recursive: true });
  writeFileSync(join(root, file), text);
  chmodSync(join(root, file), 0o755);
}

function installedAt(offsetSeconds: number): void {
  write('node_modules/.package-lock.json', '{}');
  const at = Date.now() / 1000 + offsetSeconds;
  utimesSync(join(root, 'node_modules/.package-lock.json'), at, at);
}

/** Its standard output, from another directory. */
const run = (launcher: string, ...words: readonly string[]) => start(launcher, words).stdout.replaceAll(root, '.');

function start(launcher: string, words: readonly string[]) {
  return spawnSync(join(root, launcher), words, {
    cwd: tmpdir(),
    env: { PATH: `${join(root, 'path')}:${process.env.PATH}` },
    encoding: 'utf8',
  });
}

const CACHE = './node_modules/.cache/ltw';
const RUNS = `node ${CACHE} ./local/check-node.js\nnode ${CACHE} ./commands/main.ts flag percent 5\n`;

test('takes the Node of the project, which it checks and lets keep its compiled code, and hands the words on', () => {
  installedAt(60);
  expect(run('ltw', 'flag', 'percent', '5')).toBe(RUNS);
});

test.each([
  ['before the first use', () => {}],
  ['after a change of package-lock.json', () => installedAt(-60)],
])('%s it installs first, once, and prints that to standard error', (_, prepare) => {
  prepare();
  expect(run('ltw', 'flag', 'percent', '5')).toBe(RUNS);
  write('path/npm', '#!/bin/sh\nexit 1\n');
  expect(run('ltw', 'flag', 'percent', '5')).toBe(RUNS);
});

test('says on standard error when it begins and ends to install', () => {
  const { stderr } = start('ltw', ['status']);
  expect(stderr.split('\n')).toEqual([
    'Installing the dependencies (npm ci) …',
    'npm ci --no-audit --no-fund --loglevel=error',
    'Installed.',
    '',
  ]);
  expect(start('ltw', ['status']).stderr).toBe('');
});

test('is found through a symbolic link', () => {
  installedAt(60);
  symlinkSync(join(root, 'ltw'), join(root, 'path/ltw'));
  expect(run('path/ltw', 'flag', 'percent', '5')).toBe(RUNS);
});
