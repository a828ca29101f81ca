import { request } from 'node:http';
import { text as readText } from 'node:stream/consumers';
import { COMMANDS_USAGE, parseCommand, SKIP_USAGE } from './commands.ts';
import { NotRunning, readState, stateFile } from './state-file.ts';

/** Timeout of a command, in milliseconds: a skip of 90 days runs all schedules. */
const COMMAND_LIMIT_MS = 600_000;

/** Sends a command to the platform. @returns its text @throws NotRunning if none responds; Error if it refuses the command */
export async function sendCommand(words: readonly string[], file: string): Promise<string> {
  const { pid, control } = readState(file);
  const silent = new NotRunning(
    `process ${pid} does not respond at ${control}: end it, and start again with "npm start"`,
  );
  const { text, error } = await post(`${control}/commands`, JSON.stringify({ words })).catch(() => {
    throw silent;
  });
  if (typeof error === 'string') throw new Error(error);
  if (typeof text !== 'string') throw silent;
  return text;
}

/** Not with `fetch`, which waits for headers for five minutes only, whatever its signal says. */
async function post(url: string, body: string): Promise<{ readonly text?: unknown; readonly error?: unknown }> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) };
  request(url, { method: 'POST', headers, signal: AbortSignal.timeout(COMMAND_LIMIT_MS) }, (response) => {
    readText(response).then(resolve, reject);
  })
    .once('error', reject)
    .end(body);
  return JSON.parse(await promise);
}

/** `npm run local -- COMMAND`: 0 on success, 1 on failure, 2 for an unknown command. */
async function main(words: readonly string[]): Promise<number> {
  if (words.includes('--help') || words.includes('-h')) {
    console.log(COMMANDS_USAGE);
    return 0;
  }
  if (parseCommand(words) === undefined) {
    console.error(words[0] === 'skip' ? SKIP_USAGE : COMMANDS_USAGE);
    return 2;
  }
  try {
    console.log(await sendCommand(words, stateFile()));
    return 0;
  } catch (thrown) {
    console.error((thrown as Error).message);
    return 1;
  }
}

if (import.meta.main) process.exitCode = await main(process.argv.slice(2));
