import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { ACCOUNT, REGION } from '../../local/resolver.ts';
import { freePort } from '../../local/valkey/start-valkey.ts';
import { until } from './assembly.ts';
import { descendants, lives } from './processes.ts';

const CDK = fileURLToPath(new URL('../../node_modules/aws-cdk/bin/cdk', import.meta.url));
const START_LIMIT_MS = 60_000;
const STOP_LIMIT_MS = 10_000;

/** AWS, emulated by ministack, on 127.0.0.1 only. */
export interface Ministack {
  readonly endpoint: string;
  readonly pid: number;
  /** What it has printed so far. */
  output(): string;
  /** Bootstraps the account and deploys an assembly with the CDK's own command. @throws Error with its output */
  deploy(assemblyDirectory: string): Promise<void>;
  /** Ends it and the functions that it runs. */
  stop(): Promise<void>;
}

/** Accepted by ministack, which takes an access key of twelve digits for the account. */
export const MINISTACK_CREDENTIALS = { accessKeyId: ACCOUNT, secretAccessKey: 'local' } as const;

/** @param python of a virtual environment with ministack @throws Error with its output where it does not start */
export async function startMinistack(python: string): Promise<Ministack> {
  const directory = mkdtempSync(join(tmpdir(), 'ministack-'));
  const port = await freePort();
  const endpoint = `http://127.0.0.1:${port}`;
  const environment = {
    // Functions run with the first `node` of PATH: this one, as Lambda's own is of the same version.
    PATH: [dirname(process.execPath), '/usr/bin', '/bin'].join(':'),
    HOME: directory,
    TMPDIR: directory,
    LANG: 'C.UTF-8',
    AWS_ACCESS_KEY_ID: MINISTACK_CREDENTIALS.accessKeyId,
    AWS_SECRET_ACCESS_KEY: MINISTACK_CREDENTIALS.secretAccessKey,
  };
  const child = spawn(python, ['-m', 'ministack'], {
    cwd: directory,
    env: {
      ...environment,
      GATEWAY_PORT: String(port),
      // It listens on all interfaces by default. Its MQTT and SFTP servers have no such setting.
      BIND_HOST: '127.0.0.1',
      IOT_MTLS_ENABLED: '0',
      SFTP_ENABLED: '0',
      // The host in the URLs of its queues.
      MINISTACK_HOST: '127.0.0.1',
      MINISTACK_ACCOUNT_ID: ACCOUNT,
      MINISTACK_REGION: REGION,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (part) => (output += part));
  const stop = async () => {
    await end(child);
    rmSync(directory, { recursive: true, force: true });
  };
  try {
    await until(() => child.exitCode !== null || isReady(endpoint), START_LIMIT_MS);
    if (child.exitCode !== null) throw new Error(`it ended with ${child.exitCode}`);
  } catch (cause) {
    await stop();
    throw new Error(`ministack does not start:\n${output}`, { cause });
  }
  const cdk = (...words: string[]) => runCdk(words, { ...environment, AWS_ENDPOINT_URL: endpoint });
  return {
    endpoint,
    pid: child.pid as number,
    output: () => output,
    async deploy(assemblyDirectory) {
      await cdk('bootstrap', `aws://${ACCOUNT}/${REGION}`, '--app', assemblyDirectory);
      await cdk('deploy', '--all', '--require-approval', 'never', '--app', assemblyDirectory);
    },
    stop,
  };
}

async function isReady(endpoint: string): Promise<boolean> {
  const response = await fetch(`${endpoint}/_ministack/ready`).catch(() => undefined);
  return response?.ok ?? false;
}

/** Nothing of this machine's own: neither its credentials, nor its settings, nor its metadata service. */
async function runCdk(words: readonly string[], environment: Readonly<Record<string, string>>): Promise<void> {
  const child = spawn(process.execPath, [CDK, ...words, '--ci', '--progress', 'events', '--no-notices'], {
    cwd: environment.HOME,
    env: {
      ...environment,
      AWS_REGION: REGION,
      AWS_CONFIG_FILE: '/dev/null',
      AWS_SHARED_CREDENTIALS_FILE: '/dev/null',
      AWS_EC2_METADATA_DISABLED: 'true',
      CDK_DISABLE_CLI_TELEMETRY: 'true',
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const ended = once(child, 'close');
  const [stdout, stderr, [status]] = await Promise.all([text(child.stdout), text(child.stderr), ended]);
  if (status !== 0) throw new Error(`cdk ${words[0]} ended with ${status}:\n${stdout}${stderr}`);
}

async function end(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null) return;
  const functions = descendants(child.pid);
  const exited = once(child, 'exit');
  child.kill('SIGTERM');
  const deadline = AbortSignal.timeout(STOP_LIMIT_MS);
  deadline.addEventListener('abort', () => child.kill('SIGKILL'));
  await exited;
  for (const pid of functions) if (lives(pid)) process.kill(pid, 'SIGKILL');
}
