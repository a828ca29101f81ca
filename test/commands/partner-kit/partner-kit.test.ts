import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Webhook } from 'standardwebhooks';
import { exitCodeOf } from '../../../commands/main.ts';
import type { Terminal } from '../../../commands/shared/terminal.ts';
import { receiver } from '../../../docs/partner/receiver.ts';
import { startHttpServer } from '../../../local/http-server.ts';
import { NEW } from '../../conformance/real-receipts.ts';
import { runOutsideClone } from '../../support/partner-kit-file.ts';

let directory: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'partner-kit-'));
});
afterAll(() => rmSync(directory, { recursive: true }));

/** Runs `./ltw partner-kit`. */
async function run(...words: readonly string[]) {
  const printed: string[] = [];
  const complaints: string[] = [];
  const terminal = { print: (text: string) => void printed.push(text) } as unknown as Terminal;
  const status = await exitCodeOf(['partner-kit', ...words], terminal, (line) => void complaints.push(line));
  return { status, printed: printed.join('\n'), complaints };
}

test('--out writes one file that runs elsewhere, with nothing but Node', async () => {
  const file = join(directory, 'partner-kit.mjs');
  expect(await run('--out', directory)).toEqual({
    status: 0,
    printed: `Written: ${file}. It needs Node 20 or later only: node ${file} --help`,
    complaints: [],
  });
  expect(readdirSync(directory)).toEqual(['partner-kit.mjs']);
  const imported = [...readFileSync(file, 'utf8').matchAll(/^import .* from "([^"]+)";$/gm)].map(([, name]) => name);
  expect(new Set(imported)).toEqual(
    new Set(['node:crypto', 'node:fs', 'node:http', 'node:https', 'node:tls', 'node:util']),
  );

  const { url, close } = await startHttpServer(receiver([NEW], async () => {}));
  try {
    const ended = await runOutsideClone(process.execPath, directory, ['--url', url, '--secret', NEW]);
    expect({ ...ended, stdout: '' }).toEqual({ status: 0, stdout: '', stderr: '' });
    expect(ended.stdout).toMatch(/\n(\d+) of \1 passed\.\n/);
    expect(await runOutsideClone(process.execPath, directory, ['--url', url])).toMatchObject({
      status: 2,
      stderr: 'Give the receiver’s signing secret with --secret.\n',
    });
  } finally {
    await close();
  }
});

test('--vector prints a request that the official library accepts now', async () => {
  const { status, printed } = await run('--vector');
  const { secret, id, timestamp, body, signature } = JSON.parse(printed);
  const headers = { 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': signature };
  expect(new Webhook(secret).verify(body, headers)).toEqual(JSON.parse(body));
  expect(status).toBe(0);
  expect((await run('--vector')).printed).not.toBe(printed);
});

describe('a directory that cannot be used is named in one sentence', () => {
  test.each([['--out'], ['--schemas']])('%s', async (option) => {
    const absent = join(directory, 'absent');
    const file = join(directory, 'file');
    writeFileSync(file, '');
    const taken = join(directory, `taken${option}`);
    const name = option === '--out' ? 'partner-kit.mjs' : 'lead.json';
    mkdirSync(join(taken, name), { recursive: true });
    const refusals = [];
    for (const place of [absent, file, taken]) refusals.push(await run(option, place));
    expect(refusals).toEqual(
      [
        `there is no directory ${absent}`,
        `${file} is no directory`,
        `${join(taken, name)} cannot be written (EISDIR)`,
      ].map((sentence) => ({ status: 1, printed: '', complaints: [sentence] })),
    );
  });
});
