import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from '@jest/globals';
import { startConsoleProcess } from '../../../local/control/console-process.ts';
import { startOperatorWorld } from '../../commands/operator-world.ts';
import { until } from '../../support/assembly.ts';
import { descendants, lives } from '../../support/processes.ts';

const directory = mkdtempSync(join(tmpdir(), 'console-process-'));
afterAll(() => rmSync(directory, { recursive: true }));

const never = () => {
  throw new Error('it ended by itself');
};

/** A program in place of the console. */
function program(name: string, text: string): string[] {
  const path = join(directory, `${name}.mjs`);
  writeFileSync(path, text);
  return [path];
}

const STAYS = 'setInterval(() => {}, 1000);';

test('the address is what it prints, also in parts; it ends when it is closed', async () => {
  const text = `${STAYS}
    process.stdout.write('The console is at\\n  http://127.0.0.1:1/#tok', () =>
      setImmediate(() => console.log('en=abc-_1\\nA person or program')));`;
  const child = startConsoleProcess(never, program('parts', text));
  expect(await child.started).toEqual({ address: 'http://127.0.0.1:1/#token=abc-_1' });
  await child.close();
});

test('one that is closed before it has started', async () => {
  const child = startConsoleProcess(never, program('silent', STAYS));
  await child.close();
  expect(await child.started).toEqual({ failure: 'it ended with SIGTERM' });
});

test.each([
  ['what it complained of', `console.error('the stage is too old'); process.exitCode = 1;`, 'the stage is too old'],
  ['how it ended', 'process.exitCode = 3;', 'it ended with 3'],
])('one that fails says %s', async (name, text, failure) => {
  expect(await startConsoleProcess(never, program(name, text)).started).toEqual({ failure });
});

test('one that ends later by itself is reported once', async () => {
  let ended = 0;
  const text = `console.log('http://127.0.0.1:1/#token=a'); setImmediate(() => {});`;
  const child = startConsoleProcess(
    () => {
      ended += 1;
    },
    program('short', text),
  );
  expect(await child.started).toEqual({ address: 'http://127.0.0.1:1/#token=a' });
  await until(() => ended > 0);
  await child.close();
  expect(ended).toBe(1);
});

test('the console ends when the platform is killed', async () => {
  const world = await startOperatorWorld();
  const module = new URL('../../../local/control/console-process.ts', import.meta.url).href;
  const [platform = ''] = program(
    'platform',
    `import { startConsoleProcess } from ${JSON.stringify(module)};
     console.log(JSON.stringify(await startConsoleProcess(() => {}).started));`,
  );
  const env = { ...process.env, LOCAL_PLATFORM_FILE: world.stateFile, NODE_OPTIONS: '' };
  const parent = spawn(process.execPath, [platform], { env, stdio: ['ignore', 'pipe', 'inherit'] });
  let printed = '';
  parent.stdout.on('data', (part) => (printed += part));
  await until(() => printed.includes('\n'));
  const [console] = descendants(Number(parent.pid));
  expect([JSON.parse(printed), descendants(Number(parent.pid)).length]).toEqual([
    ...[{ address: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+\/#token=[\w-]{43}$/) }, 1],
  ]);
  parent.kill('SIGKILL');
  await until(() => !lives(Number(console)));
  await world.close();
});
