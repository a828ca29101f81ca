import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test } from '@jest/globals';

const ROOT = join(import.meta.dirname, '../..');
// Beside the client, whose files it imports, and within reach of node_modules.
const directory = mkdtempSync(join(ROOT, 'cdk.out/client-readme-'));
afterAll(() => rmSync(directory, { recursive: true }));

test('the README’s example has valid types', () => {
  const [, example = ''] = /```ts\n(.*?)```/s.exec(readFileSync(join(ROOT, 'client/README.md'), 'utf8')) ?? [];
  for (const name of ['feature-status-client.ts', 'feature-flags-store.ts', 'use-feature-flags.ts']) {
    symlinkSync(join(ROOT, 'client', name), join(directory, name));
  }
  writeFileSync(join(directory, 'example.ts'), example);
  const { compilerOptions } = JSON.parse(readFileSync(join(ROOT, 'tsconfig.json'), 'utf8'));
  const options = { ...compilerOptions, preserveSymlinks: true, types: ['node'] };
  writeFileSync(
    join(directory, 'tsconfig.json'),
    JSON.stringify({ compilerOptions: options, include: ['example.ts'] }),
  );
  const tsc = spawnSync(process.execPath, [join(ROOT, 'node_modules/typescript/bin/tsc'), '-p', directory], {
    encoding: 'utf8',
  });
  expect(tsc.stdout).toBe('');
  expect(tsc.status).toBe(0);
});
