import { fork } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, test } from '@jest/globals';
import { type Platform, type PlatformOptions, startPlatform } from '../../local/platform.ts';
import { ask } from '../../local/valkey/ask.ts';
import {
  type AssemblySource,
  lambdaFunction,
  mapping,
  queue,
  STACK,
  until,
  writeAssembly,
} from '../support/assembly.ts';
import { lives } from '../support/processes.ts';

const cleanUps: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

function assembly(source: AssemblySource): string {
  const { directory, remove } = writeAssembly(source);
  cleanUps.push(remove);
  return directory;
}

async function start(source: AssemblySource, options: Partial<PlatformOptions> = {}): Promise<Platform> {
  const platform = await startPlatform({ assemblyDirectory: assembly(source), stackName: STACK, ...options });
  cleanUps.push(() => platform.stop());
  return platform;
}

const table = {
  Type: 'AWS::DynamoDB::Table',
  Properties: {
    KeySchema: [{ AttributeName: 'pk', KeyType: 'HASH' }],
    AttributeDefinitions: [{ AttributeName: 'pk', AttributeType: 'S' }],
    BillingMode: 'PAY_PER_REQUEST',
  },
};

test('a reference to nothing, or a queue that SQS would refuse, ends the start', async () => {
  const resources = { F: lambdaFunction('reader', {}, { QUEUE_URL: { Ref: 'Qeue' } }) };
  await expect(start({ resources })).rejects.toThrow(
    'F.Environment.Variables.QUEUE_URL: Ref Qeue: the template has no resource Qeue',
  );
  await expect(start({ resources: { Q: queue({ VisibilityTimeout: 50_000 }) } })).rejects.toThrow('VisibilityTimeout');
  await expect(start({ resources: { Q: queue({ FifoQueue: true }) } })).rejects.toThrow('Q: the local platform has');
});

describe('the clock', () => {
  const clock = `export const handler = async (event) => { console.log(Date.now()); return Date.now(); };`;
  const resources = {
    Q: queue(),
    F: lambdaFunction('clock'),
    Reading: mapping('Q', 'F'),
    Cache: { Type: 'AWS::ElastiCache::ServerlessCache' },
  };

  test('is one: what a queue delays, a function, the cache and this process agree on the hour', async () => {
    const platform = await start({ modules: { clock }, resources });
    const startedMs = Date.now();
    const minutes = (at: number) => Math.floor((at - startedMs) / 60_000);
    await platform.queues.send('Q', { MessageBody: '{}', DelaySeconds: 600 });
    const pool = platform.functions.find('F');
    const [line] = await platform.until('the function runs', () => pool.logs().length > 0 && pool.logs());
    expect(minutes(Number(line?.text))).toBe(10);
    expect(minutes(Date.now())).toBe(10);
    const [seconds] = (await ask(platform.valkey.port, ['TIME'])).match(/\d{10}/) ?? [];
    expect(minutes(Number(seconds) * 1000 + 999)).toBe(10);
    expect(minutes(startedMs + platform.clockOffsetMs + 999)).toBe(10);
  });
});

const sleeper = `export const handler = async () => { console.log('here'); await new Promise(() => setInterval(() => {}, 1e6)); };`;
const sleeping = {
  modules: { sleeper },
  resources: { Q: queue(), F: lambdaFunction('sleeper', { Timeout: 900 }), M: mapping('Q', 'F') },
};

describe('the end', () => {
  test('stop ends every process, in the middle of an invocation, and may be called twice', async () => {
    const logDirectory = join(assembly({ resources: {} }), 'logs');
    const platform = await start(sleeping, { logDirectory });
    await platform.queues.send('Q', { MessageBody: '{}' });
    const pool = platform.functions.find('sleeper');
    await until(() => pool.logs().length > 0);
    const pids = pool.processIds();
    expect(pids).toHaveLength(1);
    await Promise.all([platform.stop(), platform.stop()]);
    expect(pids.map(lives)).toEqual([false]);
    expect(readFileSync(join(logDirectory, 'sleeper.log'), 'utf8')).toBe('here\n');
    await expect(fetch(platform.queues.endpoint)).rejects.toThrow();
  });

  test('SIGTERM to the platform ends what it started', async () => {
    const cache = { Type: 'AWS::ElastiCache::ServerlessCache' };
    const { directory, exited, child, pids } = await startProgram({
      ...sleeping,
      resources: { ...sleeping.resources, cache, Table: table },
    });
    expect(pids.map(lives)).toEqual([true, true]);
    child.kill('SIGTERM');
    expect(await exited).toEqual([null, 'SIGTERM']);
    expect(pids.map(lives)).toEqual([false, false]);
    // The cache's files go where its end was waited for.
    expect(readdirSync(directory).filter((name) => name.startsWith('valkey-'))).toEqual([]);
  });

  test('functions end with a platform that is killed', async () => {
    const { child, pids } = await startProgram(sleeping);
    child.kill('SIGKILL');
    await until(() => !pids.some(lives));
  });
});

/** Runs the platform in a process of its own, which sends the ids of its function's and its cache's process once it works. */
async function startProgram(source: AssemblySource) {
  const directory = assembly(source);
  const file = join(directory, 'program.mjs');
  const platform = fileURLToPath(new URL('../../local/platform.ts', import.meta.url));
  writeFileSync(
    file,
    `import { startPlatform } from ${JSON.stringify(platform)};
    const platform = await startPlatform({ assemblyDirectory: ${JSON.stringify(directory)}, stackName: '${STACK}' });
    await platform.queues.send('Q', { MessageBody: '{}' });
    const pool = platform.functions.find('sleeper');
    const caches = ${'cache' in source.resources} ? [platform.valkey.pid] : [];
    while (pool.logs().length === 0) await new Promise((resolve) => setTimeout(resolve, 10));
    process.send([...pool.processIds(), ...caches]);`,
  );
  const child = fork(file, { execArgv: [], env: { ...process.env, TMPDIR: directory } });
  const exited = once(child, 'exit');
  cleanUps.push(() => child.kill('SIGTERM') && exited);
  const [pids] = await Promise.race([once(child, 'message'), exited]);
  return { directory, child, exited, pids: pids as number[] };
}
