import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { kitText } from '../../commands/partner-kit/partner-kit.ts';
import { sampleBodies } from '../../commands/partner-kit/sample-bodies.ts';
import { signatureHeader } from '../../lambdas/partners/signature.ts';
import { listen } from '../../local/http-server.ts';
import { until } from '../support/assembly.ts';
import { closedAfterEach } from '../support/closed-after-each.ts';
import { describeWithPart } from '../support/optional-part.ts';
import { runOutsideClone } from '../support/partner-kit-file.ts';
import { NEW, OLD } from './real-receipts.ts';

/**
 * The receivers of the partner guide, each tested by the partner kit: a file that was written outside the clone, run by the
 * Node of this machine, which may be 20.
 */
const SAMPLES = join(import.meta.dirname, '../../docs/partner');

/** The first Node of PATH that npm has not installed; without one, this process's own. */
const NODE =
  (process.env.PATH ?? '')
    .split(delimiter)
    .filter((directory) => !directory.includes('node_modules'))
    .map((directory) => join(directory, 'node'))
    .find(existsSync) ?? process.execPath;
const NODE_VERSION = spawnSync(NODE, ['--version'], { encoding: 'utf8' }).stdout.trim();

let directory: string;
beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'receivers-'));
  writeFileSync(join(directory, 'partner-kit.mjs'), await kitText(await sampleBodies(Date.now())));
});
afterAll(() => rmSync(directory, { recursive: true }));

const keep = closedAfterEach();

interface ReceiverSample {
  readonly file: string;
  /** The program, and the argument that shows that it is there. */
  readonly program: string;
  readonly proof: string;
  /** The arguments that serve the sample on a port. */
  serve(port: number): readonly string[];
}

/** The sample in Python is an application for any WSGI server. */
const SERVE_WSGI = `
import os, pathlib
from wsgiref.simple_server import make_server
from receiver import receiver
def keep(webhook_id, payload):
    pathlib.Path(os.environ['STORE'], webhook_id).write_text(str(payload))
application = receiver(os.environ['SIGNING_SECRETS'].split(), keep)
make_server('127.0.0.1', int(os.environ['PORT']), application).serve_forever()`;

const RECEIVERS: readonly ReceiverSample[] = [
  { file: 'receiver.go', program: 'go', proof: 'version', serve: () => ['run', 'receiver.go'] },
  { file: 'Receiver.java', program: 'java', proof: '-version', serve: () => ['Receiver.java'] },
  {
    file: 'receiver.php',
    program: 'php',
    proof: '--version',
    serve: (port) => ['-S', `127.0.0.1:${port}`, 'receiver.php'],
  },
  { file: 'receiver.py', program: 'python3', proof: '--version', serve: () => ['-c', SERVE_WSGI] },
];

/** Why a program cannot be used; undefined if it starts. */
function missing({ program, proof }: ReceiverSample): string | undefined {
  const { error, status, stderr } = spawnSync(program, [proof], { encoding: 'utf8' });
  if (error !== undefined) return `no ${program}: ${error.message}`;
  return status === 0 ? undefined : `${program} does not start: ${stderr.trim().split('\n')[0]}`;
}

/** Starts a receiver that verifies with two secrets, and stores in a directory of its own. */
async function start({ program, serve }: ReceiverSample) {
  // A port that was free a moment ago: these servers are given theirs.
  const { port, close } = await listen(createServer());
  await close();
  const store = mkdtempSync(join(directory, 'store-'));
  const child = spawn(program, serve(port), {
    cwd: SAMPLES,
    env: {
      ...process.env,
      SIGNING_SECRETS: `${NEW} ${OLD}`,
      STORE: store,
      PORT: String(port),
      PYTHONDONTWRITEBYTECODE: '1',
    },
    stdio: ['ignore', 'ignore', 'pipe'],
    // A process group: `go run` starts the receiver as a process of its own.
    detached: true,
  });
  let complaints = '';
  child.stderr.on('data', (chunk) => {
    complaints += chunk;
  });
  const ended = new Promise((resolve) => child.once('close', resolve));
  await keep({
    close() {
      if (child.exitCode === null) process.kill(-(child.pid as number));
      return ended;
    },
  });
  const url = `http://127.0.0.1:${port}/webhooks`;
  await until(async () => {
    if (child.exitCode !== null) throw new Error(`${program} ends with ${child.exitCode}: ${complaints}`);
    return fetch(url, { method: 'POST' }).then(
      () => true,
      () => false,
    );
  });
  return { url, store };
}

/** Signs and posts a body. @returns the status */
async function post(url: string, id: string, body: string): Promise<number> {
  const timestamp = Math.floor(Date.now() / 1000);
  const headers = {
    'webhook-id': id,
    'webhook-timestamp': String(timestamp),
    'webhook-signature': signatureHeader([NEW], id, timestamp, body),
  };
  return (await fetch(url, { method: 'POST', body, headers })).status;
}

for (const sample of RECEIVERS) {
  describeWithPart(sample.file, missing(sample), () => {
    test(`passes the partner kit, run by Node ${NODE_VERSION}, and stores each webhook once`, async () => {
      const { url, store } = await start(sample);
      const words = ['--url', url, '--secret', NEW, '--secret', OLD];
      const { status, stdout, stderr } = await runOutsideClone(NODE, directory, words);
      expect([stdout, stderr, status]).toEqual([expect.not.stringMatching(/^FAIL/m), '', 0]);
      const ids = readdirSync(store);
      expect(ids.filter((id) => !/^wh_[0-9a-f]{40}$/.test(id))).toEqual([]);
      expect(ids).toContain(/(wh_\w+) must be in your store once/.exec(stdout)?.[1]);
      // One was sent twice.
      expect(ids).toHaveLength([...stdout.matchAll(/ 204 \(/g)].length - 1);
    });

    test('stores the bytes, no connection test, nothing too long, and asks for a retry if it cannot store', async () => {
      const { url, store } = await start(sample);
      const body = '{"n": 1}';
      const statuses = {
        plain: await post(url, 'wh_1', body),
        connectionTest: await post(url, 'wh_test_1', '{"test":true}'),
        tooLong: await post(url, 'wh_2', JSON.stringify('x'.repeat(1024 * 1024))),
      };
      expect(statuses).toEqual({ plain: 204, connectionTest: 204, tooLong: 413 });
      expect(readdirSync(store)).toEqual(['wh_1']);
      if (sample.file !== 'receiver.py') expect(readFileSync(join(store, 'wh_1'), 'utf8')).toBe(body);
      rmSync(store, { recursive: true });
      expect(await post(url, 'wh_3', body)).toBe(503);
    });
  });
}
