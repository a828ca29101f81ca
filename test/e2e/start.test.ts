import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { exitCodeOf } from '../../commands/main.ts';
import { webhookId } from '../../lambdas/events/identity.ts';
import { sendCommand } from '../../local/control/send-command.ts';
import { completion, ENTERPRISE, LEARNER } from '../../local/demo/sample-events.ts';
import { LOCAL_ASSEMBLY } from '../../local/synthesize.ts';
import { until } from '../support/assembly.ts';
import { descendants, lives } from '../support/processes.ts';
import { SIGNED } from './running-session.ts';

const START = fileURLToPath(new URL('../../local/start.ts', import.meta.url));
const SEND = fileURLToPath(new URL('../../local/control/send-command.ts', import.meta.url));
const directory = mkdtempSync(join(tmpdir(), 'start-'));
const stateFile = join(directory, 'platform.json');
const env = {
  ...process.env,
  NODE_OPTIONS: '',
  NODE_COMPILE_CACHE: join(directory, 'compiled'),
  LOCAL_PLATFORM_FILE: stateFile,
};
const ARGUMENTS = ['--assembly', LOCAL_ASSEMBLY, '--port', '0'];

let child: ChildProcess;
let printed = '';
const prints = (text: string | RegExp) => until(() => printed.match(text));

beforeAll(async () => {
  child = spawn(process.execPath, [START, ...ARGUMENTS], { env, stdio: ['ignore', 'pipe', 'pipe'] });
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (part) => (printed += part));
  await prints('what happens:');
});
afterAll(() => {
  child.kill('SIGKILL');
  rmSync(directory, { recursive: true, force: true });
});

const HOUR_MS = 3_600_000;

/** What `npm run local -- COMMAND` prints, without a process of its own. @throws Error if the command fails */
const local = (...words: readonly string[]) => sendCommand(words, stateFile);

/** In epoch milliseconds. */
async function platformTime(): Promise<number> {
  return Date.parse(/^time +(\S+)$/m.exec(await local('status'))?.[1] ?? '');
}

/** What `./ltw` prints for the platform, whose state file is found as the command finds it. */
async function ltw(...words: readonly string[]): Promise<string> {
  const lines: string[] = [];
  const ask = async () => undefined;
  const progress = { isTTY: false, write: () => true };
  const print = (text: string) => void lines.push(text);
  const terminal = { isInteractive: false, progress, print, ask, askHidden: ask, close: () => {} };
  process.env.LOCAL_PLATFORM_FILE = stateFile;
  expect([await exitCodeOf(words, terminal, print), lines]).toEqual([0, lines]);
  return lines.join('\n');
}

/** Runs a program to its end. */
async function run(script: string, ...args: readonly string[]): Promise<{ status: number; text: string }> {
  try {
    const { stdout } = await promisify(execFile)(process.execPath, [script, ...args], { env });
    return { status: 0, text: stdout.trim() };
  } catch (thrown) {
    const { code, stderr } = thrown as { code: number; stderr: string };
    return { status: code, text: stderr.trim() };
  }
}

async function publish(eventId: string, learner: number): Promise<string> {
  await publishBody(JSON.stringify(completion(eventId, 'skillsoft', learner)));
  return webhookId('skillsoft', eventId);
}

/** As an LMS does, with nothing but what was printed. */
async function publishBody(MessageBody: string): Promise<void> {
  const [, endpoint] = printed.match(/SQS is at (http:\/\/127\.0\.0\.1:\d+)/) ?? [];
  const [, QueueUrl] = printed.match(/--queue-url (\S+)/) ?? [];
  const credentials = { accessKeyId: 'local', secretAccessKey: 'local' };
  const sqs = new SQSClient({ endpoint: String(endpoint), region: 'us-east-1', credentials });
  await sqs.send(new SendMessageCommand({ QueueUrl, MessageBody, MessageGroupId: ENTERPRISE }));
  sqs.destroy();
}

test('what is printed is a shell’s and Python’s own text, with nothing personal', () => {
  expect(printed).toMatch(/^AWS_ACCESS_KEY_ID=local .* aws sqs send-message \\$/m);
  expect(printed).toMatch(/"event_id":"try-'\$\(date \+%s\)-\$RANDOM'"/);
  expect(printed).toMatch(/^python3 - <<'EOF'$/m);
  expect(printed).not.toContain('learner@example.com');
});

test('the status API responds to a browser with a token of the printed issuer', async () => {
  const [, tokens, url] =
    printed.match(/^curl --oauth2-bearer "\$\(curl -s '(.+)'\)" \\\n {2}'(.+\/api\/v1\/features\/status\?.+)'$/m) ?? [];
  const token = await (await fetch(String(tokens))).text();
  const answer = await fetch(String(url), { headers: { authorization: `Bearer ${token}` } });
  expect(await answer.json()).toMatchObject({
    features: { webhook_learning_time_enrichment: { reason: 'off', user_specific: true } },
  });
  expect((await fetch(String(url))).status).toBe(401);
});

/** Calls the console at the printed address: what it knows of the stage. */
async function consoleStage(): Promise<unknown> {
  const [, url, token] = printed.match(/^The console, .* is at (http:\/\/127\.0\.0\.1:\d+)\/#token=(\S+)$/m) ?? [];
  const headers = { 'content-type': 'application/json', authorization: `Bearer ${token}`, origin: String(url) };
  return (await fetch(`${url}/api/stage`, { method: 'POST', headers, body: '{}' })).json();
}

test('the console is at the printed address', async () => {
  expect(await consoleStage()).toMatchObject({ result: { name: 'local' } });
});

test('the example page is an origin that may ask the status API', async () => {
  const [, page] = printed.match(/^A page that shows the flag .* is at (\S+)$/m) ?? [];
  const [, url] = printed.match(/^The status API is at (\S+):/m) ?? [];
  expect(await (await fetch(String(page))).text()).toContain(`"statusApiUrl":"${url}"`);
  const { origin } = new URL(String(page));
  const headers = { origin, 'access-control-request-method': 'GET', 'access-control-request-headers': 'authorization' };
  const preflight = await fetch(`${url}/api/v1/features/status`, { method: 'OPTIONS', headers });
  expect(preflight.headers.get('access-control-allow-origin')).toBe(origin);
});

test('operators’ requests to the status API, health and metrics are answered as they are printed', async () => {
  const [, url] = printed.match(/^The status API is at (http:\/\/127\.0\.0\.1:\d+):/m) ?? [];
  const [, pasted] = printed.match(/^curl --aws-sigv4 .* \\\n {2}'(.+)'$/m) ?? [];
  expect(pasted).toBe(`${url}/operations/v1/features/status?enterprise_customer_uuid=${ENTERPRISE}`);
  const answer = await fetch(String(pasted), { headers: { authorization: SIGNED } });
  expect(await answer.json()).toMatchObject({ features: { webhook_learning_time_enrichment: { reason: 'off' } } });
  const [, health] = printed.match(/^ {2}'(.+\/api\/v1\/webhooks\/health)'$/m) ?? [];
  const response = await fetch(String(health), { headers: { authorization: SIGNED } });
  expect(await response.json()).toMatchObject({ status: 'healthy', integrations: { skillsoft: { error_count: 0 } } });
  const [, token, metrics] = printed.match(/^curl --oauth2-bearer (\w+) \\\n {2}'(.+)'$/m) ?? [];
  const scraped = await fetch(String(metrics), { headers: { authorization: `Bearer ${token}` } });
  expect([scraped.status, await scraped.text()]).toEqual([
    200,
    expect.stringMatching(/^# HELP learning_time_webhooks_/),
  ]);
});

test('flag on: a published completion is delivered with learning time', async () => {
  expect(await run(SEND, 'flag', 'on')).toEqual({
    status: 0,
    text: 'flag on, for all enterprises: functions notice within 16 s',
  });
  await local('skip', '16s');
  const id = await publish('enriched', LEARNER.known);
  await prints(new RegExp(`webhook +skillsoft +${id} +200, with learning time`));
});

test('warehouse down: it waits in the workflow, and goes out without', async () => {
  expect(await local('warehouse', 'down')).toBe('warehouse down');
  const id = await publish('fallback', LEARNER.fallback);
  await prints(new RegExp(`workflow +${id}-g0 +starts: waits for the warehouse \\(1 attempt failed\\)`));
  expect(await local('status')).toMatch(/^warehouse +down$/m);
  await local('skip', '10m');
  await prints(new RegExp(`webhook +skillsoft +${id} +200, without learning time`));
  await prints(new RegExp(`workflow +${id}-g0 +ends: delivered`));
  await local('warehouse', 'up');
});

/** The message of the command that publishes a lead, as a shell makes it of what is printed. */
async function pastedLead(): Promise<string> {
  const bodies = [...printed.matchAll(/--message-body ('.*')$/gm)].map(([, word = '']) => word);
  const word = bodies.find((text) => text.includes('"event_type":"lead"'));
  const { stdout } = await promisify(execFile)('bash', ['-c', `printf %s ${word}`]);
  return stdout;
}

test('a lead that waits is cancelled by the next one of its user, and goes out once it is replayed', async () => {
  const { occurred_at, ...first } = JSON.parse(await pastedLead());
  const minuteAgo = new Date(Date.parse(occurred_at) - 60_000).toISOString();
  // Another time: pasted twice within a second, both would be of the same.
  const bodies = [{ ...first, occurred_at: minuteAgo, delay_minutes: 14 }, JSON.parse(await pastedLead())];
  const [overtaken, sent] = bodies.map(({ event_id }) => webhookId('n8n', event_id)) as [string, string];
  for (const [index, body] of bodies.entries()) {
    await publishBody(JSON.stringify(body));
    await prints(new RegExp(`workflow +${[overtaken, sent][index]}-g0 +starts: scheduled for 20\\d\\d-.*Z$`, 'm'));
  }
  await local('skip', '1h');
  await prints(new RegExp(`webhook +n8n +${sent} +200$`, 'm'));
  const reason = `superseded by a later event of its user: ${sent}`;
  await prints(new RegExp(`workflow +${overtaken}-g0 +ends: cancelled, ${reason}$`, 'm'));
  expect(await ltw('ledger', 'show', overtaken)).toContain(`${reason}\n`);
  expect(await ltw('replay', overtaken)).toMatch(/replayed 1 of 1$/);
  await prints(new RegExp(`webhook +n8n +${overtaken} +200$`, 'm'));
});

test('a partner that rejects: prints the dead-letter message with its reason, and leaves it in the queue', async () => {
  expect(await local('partner', 'skillsoft', '400')).toBe('partner skillsoft: 400');
  const id = await publish('refused', LEARNER.known);
  await prints(new RegExp(`dead-letter +deliveries +${id} +HTTP 400`));
  expect(await local('status')).toMatch(/^dead-letter +deliveries: 1$/m);
});

test('the clock is moved on, and commands see the platform’s time', async () => {
  const timeBefore = await platformTime();
  expect(await local('skip', '3h')).toMatch(/^the platform's time is 20\d\d-.*Z\. /);
  expect(Math.floor(((await platformTime()) - timeBefore) / HOUR_MS)).toBe(3);
  const { result } = (await consoleStage()) as { result: { now: string } };
  expect(Math.floor((Date.parse(result.now) - timeBefore) / HOUR_MS)).toBe(3);
  const id = await publish('after-a-skip', LEARNER.known);
  await prints(new RegExp(`dead-letter +deliveries +${id} `));
  const listed = await ltw('ledger', 'list', '--state', 'dead', '--since', '1h');
  expect(listed).toContain(id);
  expect(listed).not.toContain(webhookId('skillsoft', 'refused'));
});

test('commands that cannot be done', async () => {
  await expect(local('partner', 'skillsot', 'up')).rejects.toThrow(/^no partner skillsot: there are skillsoft, /);
  for (const [begin, ...words] of [
    ['usage:', 'warehouse', 'sideways'],
    ['skip takes', 'skip', '-2h'],
  ]) {
    expect(await run(SEND, ...words)).toEqual({ status: 2, text: expect.stringMatching(`^${begin}`) });
  }
  expect(await run(START, ...ARGUMENTS)).toEqual({
    status: 1,
    text: 'a platform is running already: end it with Ctrl-C in its terminal',
  });
});

test('SIGINT: everything ends, nothing is left', async () => {
  const processes = descendants(Number(child.pid));
  // The cache and the functions that ran.
  expect(processes.length).toBeGreaterThan(3);
  const ended = new Promise((resolve) => child.once('exit', (...how) => resolve(how)));
  child.kill('SIGINT');

  expect(await ended).toEqual([0, null]);
  await until(() => processes.every((pid) => !lives(pid)));
  expect(existsSync(stateFile)).toBe(false);
  expect(await run(SEND, 'status')).toEqual({ status: 1, text: 'no platform is running: "npm start" starts one' });
});
