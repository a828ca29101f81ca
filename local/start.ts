import { appendFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, relative } from 'node:path';
import { runProgram } from './command-line.ts';
import { type ConsoleProcess, startConsoleProcess } from './control/console-process.ts';
import { startControlServer } from './control/control-server.ts';
import { createControls } from './control/controls.ts';
import { startExamplePage } from './control/example-page.ts';
import { createNarrator } from './control/narrator.ts';
import { readyToPaste, tokenUrl } from './control/ready-to-paste.ts';
import { sendCommand } from './control/send-command.ts';
import { readStartOptions, START_USAGE, type StartOptions, USUAL_PORT } from './control/start-options.ts';
import { removeState, stateFile, writeState } from './control/state-file.ts';
import { ENTERPRISE } from './demo/sample-events.ts';
import { POLL_INTERVAL_MS, type Session, startSession } from './demo/session.ts';
import { synthesizeLocalStage } from './synthesize.ts';
import { freePort } from './valkey/start-valkey.ts';

/** Write interval of the clock's offset while it changes, in milliseconds, for the operator's commands. */
const SAVE_EVERY_MS = 250;

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** Limit of the shutdown, in milliseconds; then the process exits with status 1. */
const SHUTDOWN_LIMIT_MS = 20_000;

interface Shutdown {
  /** Resolves on a signal, or when the output is closed. */
  readonly requested: Promise<void>;
  isRequested(): boolean;
}

/** Ignores further signals: a Ctrl-C under npm arrives twice, from the terminal and from npm. */
function awaitShutdown(): Shutdown {
  const { promise, resolve } = Promise.withResolvers<void>();
  let isRequested = false;
  const request = () => {
    if (isRequested) return;
    isRequested = true;
    setTimeout(() => process.exit(1), SHUTDOWN_LIMIT_MS).unref();
    resolve();
  };
  for (const signal of SIGNALS) process.on(signal, request);
  for (const stream of [process.stdout, process.stderr]) stream.on('error', request);
  return { requested: promise, isRequested: () => isRequested };
}

/** `npm start`: runs the pipeline with warehouse and partners until Ctrl-C. */
async function start(options: StartOptions): Promise<boolean> {
  const file = stateFile();
  const shutdown = awaitShutdown();
  if (await isRunning(file)) throw new Error('a platform is running already: end it with Ctrl-C in its terminal');
  const sqsPort = await choosePort(options.port);
  if (options.receiptsFile !== undefined) writeFileSync(options.receiptsFile, '');
  if (options.assemblyDirectory === undefined) console.log('synthesizing the stage "local"');
  try {
    const assemblyDirectory = options.assemblyDirectory ?? (await synthesizeLocalStage());
    if (options.assemblyDirectory === undefined) console.log('synthesized; starting the platform');
    if (!shutdown.isRequested()) await run(assemblyDirectory, sqsPort, file, options, shutdown.requested);
  } catch (thrown) {
    // Ctrl-C reaches the child processes as well, so pending work fails.
    if (!shutdown.isRequested()) throw thrown;
  }
  console.log('ended');
  return true;
}

async function run(
  assemblyDirectory: string,
  sqsPort: number,
  file: string,
  { receiptsFile }: StartOptions,
  shutdown: Promise<void>,
): Promise<void> {
  // Beside the state file, by its name: another platform has its own.
  const logDirectory = join(dirname(file), basename(file).replace(/(-platform)?(\.json)?$/, '-logs'));
  rmSync(logDirectory, { recursive: true, force: true });
  const narrator = createNarrator(console.log);
  const session = await startSession({
    assemblyDirectory,
    onReceipt(receipt, status) {
      narrator.webhook(receipt, status);
      if (receiptsFile !== undefined) appendFileSync(receiptsFile, `${JSON.stringify(receipt)}\n`);
    },
    platformOptions: { sqsPort, logDirectory, leavesSignals: true, onExecutionChange: narrator.execution },
  });
  const stopping = new AbortController();
  let savedOffsetMs = -1;
  const save = () => {
    savedOffsetMs = session.platform.clockOffsetMs;
    writeState(file, {
      pid: process.pid,
      control: control.url,
      clock_offset_ms: savedOffsetMs,
      endpoints,
      outputs,
    });
  };
  // A skip that is interrupted by the shutdown must not leave the file.
  const controls = createControls(session, () => {
    if (!stopping.signal.aborted) save();
  });
  const control = await startControlServer(async (words) => {
    const text = await controls(words);
    if (words[0] !== 'status') narrator.command(words);
    return text;
  });
  const { endpoints, outputs } = session.platform;
  const page = await startExamplePage({
    statusApiUrl: String(outputs.StatusApiUrl),
    tokenUrl: tokenUrl(session.platform),
    enterprise: ENTERPRISE,
    refreshMs: POLL_INTERVAL_MS,
  });
  save();
  // A long skip takes minutes, in which other commands run.
  const saving = setInterval(() => {
    if (session.platform.clockOffsetMs !== savedOffsetMs) save();
  }, SAVE_EVERY_MS);
  const operatorConsole = startConsoleProcess(() => {
    if (!stopping.signal.aborted) console.log('The console has ended: "./ltw console" starts another.');
  });
  const started = await Promise.race([operatorConsole.started, shutdown]);
  if (started !== undefined) console.log(greeting(session, logDirectory, page.url, started));
  const watching = narrator.watchDeadLetters(session.platform, stopping.signal);
  try {
    await Promise.race([shutdown, watching]);
  } finally {
    stopping.abort();
    clearInterval(saving);
    removeState(file);
    await Promise.allSettled([watching, operatorConsole.close(), control.close(), page.close()]);
    await session.stop();
  }
}

function greeting(
  { platform }: Session,
  logDirectory: string,
  page: string,
  operatorConsole: Awaited<ConsoleProcess['started']>,
): string {
  const consoleLine =
    'address' in operatorConsole
      ? `The console, for your browser, is at ${operatorConsole.address}`
      : `There is no console (${operatorConsole.failure}): "./ltw console" tries again.`;
  return `
${consoleLine}
SQS is at ${platform.endpoints.AWS_ENDPOINT_URL_SQS}. Ctrl-C ends everything.
The status API is at ${platform.outputs.StatusApiUrl}: its requests are below, other paths are 404.
A page that shows the flag with the React client of client/ is at ${page}/
The flag is off, as the stack seeds it: every event goes out without learning time. Once it is switched, functions
notice within ${POLL_INTERVAL_MS / 1000} s. The clock is the real one, until "npm run local -- skip 2h" moves it on.

${readyToPaste(platform)}

What functions log is in ${relative(process.cwd(), logDirectory)}. From here on, what happens:
`;
}

/** @throws Error if the requested port is in use or not allowed for this user */
async function choosePort(wanted: number | undefined): Promise<number> {
  // A free port that is chosen now may be in use when SQS listens, after the synthesis.
  if (wanted === 0) return 0;
  if (wanted !== undefined) {
    return freePort(wanted).catch((thrown: unknown) => {
      throw new Error(`port ${wanted} is not available: ${(thrown as { code?: string }).code}`);
    });
  }
  return freePort(USUAL_PORT).catch(() => {
    console.log(`port ${USUAL_PORT} is taken: SQS gets another`);
    return 0;
  });
}

async function isRunning(file: string): Promise<boolean> {
  return sendCommand(['status'], file).then(
    () => true,
    () => false,
  );
}

await runProgram({ usage: START_USAGE }, readStartOptions, start);
// Signal listeners and closing sockets would keep the process alive.
process.exit();
