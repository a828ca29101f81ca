import { type ChildProcessWithoutNullStreams, spawn, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { devNull } from 'node:os';
import { dirname, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { describeWithPart } from './optional-part.ts';

const REPOSITORY = fileURLToPath(new URL('../..', import.meta.url));

/** What proves that a client is there: it starts, and says its version. */
const PROOFS = {
  boto3: { program: 'python', proof: ['-c', 'import boto3; print(boto3.__version__)'] },
  awscli: { program: 'aws', proof: ['--version'] },
  standardwebhooks: {
    program: 'python',
    proof: ['-c', 'import standardwebhooks; print(standardwebhooks.__version__)'],
  },
  moto: { program: 'python', proof: ['-c', 'import antlr4, moto; print(moto.__version__)'] },
  // In a virtual environment of its own: see requirements-ministack.txt.
  ministack: { program: '../ministack/bin/python', proof: ['-c', 'import ministack.app'] },
  authlib: { program: 'python', proof: ['-c', 'import authlib; print(authlib.__version__)'] },
  oauthlib: { program: 'python', proof: ['-c', 'import oauthlib; print(oauthlib.__version__)'] },
  joserfc: { program: 'python', proof: ['-c', 'import joserfc; print(joserfc.__version__)'] },
} as const;

export type ClientName = keyof typeof PROOFS;

export type RealClient = { readonly program: string } | { readonly absent: string };

/** A loaded machine takes seconds to load Python and botocore's models. */
const START_LIMIT_MS = 20_000;

/** Where `.ci/run` puts the clients; REAL_CLIENTS_VENV names another virtual environment. */
function virtualEnvironment(): string {
  return process.env.REAL_CLIENTS_VENV || join(REPOSITORY, '.venv');
}

/** The program by which a client runs, or why there is none. */
export function findClient(name: ClientName): RealClient {
  const program = join(virtualEnvironment(), 'bin', PROOFS[name].program);
  if (!existsSync(program)) return { absent: `there is no ${program}` };
  const { error, status, stderr } = spawnSync(program, PROOFS[name].proof, {
    env: clientEnvironment(program),
    encoding: 'utf8',
    timeout: START_LIMIT_MS,
  });
  if (error !== undefined) return { absent: `${program} does not start: ${error.message}` };
  if (status !== 0) return { absent: `${program} has no ${name}: ${stderr.trim().split('\n').at(-1)}` };
  return { program };
}

/** Tests that need a client. */
export function describeWithClient(name: ClientName, title: string, tests: (program: string) => void): void {
  const client = findClient(name);
  if ('program' in client) describeWithPart(title, undefined, () => tests(client.program));
  else describeWithPart(title, `no ${name}: ${client.absent}`, () => {});
}

/** Nothing of this machine's own: neither its credentials, nor its settings, nor its metadata service. */
function clientEnvironment(program: string): Record<string, string> {
  return {
    PATH: [dirname(program), '/usr/bin', '/bin'].join(':'),
    HOME: '/nonexistent',
    LANG: 'C.UTF-8',
    PYTHONDONTWRITEBYTECODE: '1',
    AWS_ACCESS_KEY_ID: 'local',
    AWS_SECRET_ACCESS_KEY: 'local',
    AWS_DEFAULT_REGION: 'us-east-1',
    AWS_CONFIG_FILE: devNull,
    AWS_SHARED_CREDENTIALS_FILE: devNull,
    AWS_EC2_METADATA_DISABLED: 'true',
    AWS_PAGER: '',
  };
}

export interface Ended {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Starts a client that serves until its input ends. */
export function startClient(program: string, words: readonly string[]): ChildProcessWithoutNullStreams {
  return spawn(program, words, { env: clientEnvironment(program), stdio: ['pipe', 'pipe', 'pipe'] });
}

/** Runs a client to its end. It fails with a status of its own, never by throwing. */
export async function runClient(program: string, words: readonly string[], input = ''): Promise<Ended> {
  const child = startClient(program, words);
  // A client that refuses its command line does not read its input.
  child.stdin.on('error', () => {});
  child.stdin.end(input);
  const ended = new Promise<number | null>((resolve, reject) => child.once('error', reject).once('close', resolve));
  const [status, stdout, stderr] = await Promise.all([ended, text(child.stdout), text(child.stderr)]);
  return { status, stdout, stderr };
}
