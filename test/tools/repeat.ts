import { type ChildProcess, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, rmSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { describeTest, type JestRun, PROCESS_SUITES, runJest } from './run-jest.ts';
import { appendRecord, onInterrupt, ROOT, readRecords, runProgram, treeId } from './run-program.ts';

const HELP = `npm run repeat -- [--runs N] [--busy] [--suites all|processes] [--state FILE] [jest arguments…]

Runs the tests N times (default 10) and reports each run. The exit code is 1 if a run was red.
  --runs N            runs in all, those of an earlier, interrupted call among them
  --busy              another process keeps one core busy meanwhile
  --suites processes  only the suites that start processes: ${PROCESS_SUITES.join(', ')}
  --state FILE        progress, JSON lines (default cdk.out/repeat.jsonl); logs of red runs are beside it
A call with the same files and arguments continues where the last one ended.`;

type Options = { runs: number; busy: boolean; state: string; jestArgs: string[] };
type RunRecord = Pick<JestRun, 'green' | 'seconds' | 'failed'> & { key: string; run: number; log?: string };

function readOptions(args: readonly string[]): Options {
  const options: Options = { runs: 10, busy: false, state: join(ROOT, 'cdk.out/repeat.jsonl'), jestArgs: [] };
  const rest = [...args];
  for (let arg = rest.shift(); arg !== undefined; arg = rest.shift()) {
    if (arg === '--help') {
      console.log(HELP);
      process.exit(0);
    } else if (arg === '--busy') options.busy = true;
    else if (arg === '--runs') options.runs = Number(rest.shift());
    else if (arg === '--state') options.state = resolve(rest.shift() ?? '');
    else if (arg === '--suites') options.jestArgs.push(...suites(rest.shift()));
    else options.jestArgs.push(arg);
  }
  if (!Number.isInteger(options.runs) || options.runs < 1) fail('--runs takes a number from 1');
  return options;
}

function suites(name: string | undefined): readonly string[] {
  if (name === 'all') return [];
  if (name === 'processes') return PROCESS_SUITES;
  return fail('--suites takes "all" or "processes"');
}

function fail(reason: string): never {
  console.error(`${reason}\n\n${HELP}`);
  process.exit(2);
}

/** A process that keeps a core busy. It ends by itself when this process has ended. */
function keepCoreBusy(): ChildProcess {
  const spin = `while (process.ppid === ${process.pid}) for (const end = Date.now() + 200; Date.now() < end; );`;
  return spawn(process.execPath, ['-e', spin], { stdio: 'ignore' });
}

const { runs, busy, state, jestArgs } = readOptions(process.argv.slice(2));
const key = createHash('sha256')
  .update(JSON.stringify([treeId(ROOT), busy, jestArgs]))
  .digest('hex')
  .slice(0, 12);
const done = readRecords<RunRecord>(state).filter((record) => record.key === key && record.run <= runs);
mkdirSync(dirname(state), { recursive: true });
let spinner: ChildProcess | undefined;
onInterrupt(() => {
  spinner?.kill('SIGKILL');
  console.log(`\ninterrupted after ${done.length} of ${runs} runs: the same command continues`);
});

if (done.length > 0) console.log(`${done.length} of ${runs} runs are in ${relative('', state)}`);
if (done.length < runs) {
  const log = `${state}-synth.log`;
  const { status } = await runProgram('npm', ['run', '-s', 'synth:local'], { cwd: ROOT, log });
  if (status !== 0) fail(`npm run synth:local failed: ${log}`);
  rmSync(log);
  if (busy) spinner = keepCoreBusy();
  while (done.length < runs) {
    const run = done.length + 1;
    const log = `${state}-${key}-${run}.log`;
    rmSync(log, { force: true });
    const { green, seconds, failed } = await runJest(jestArgs, { cwd: ROOT, log });
    const record: RunRecord = { key, run, green, seconds, failed, ...(green ? {} : { log }) };
    appendRecord(state, record);
    done.push(record);
    if (green) rmSync(log);
    console.log(`run ${run} of ${runs}: ${green ? 'green' : 'red'}, ${seconds} s`);
    for (const test of failed) console.log(`  ${describeTest(test)}`);
    if (!green) console.log(`  log: ${relative('', log)}`);
  }
  spinner?.kill('SIGKILL');
}

const red = done.filter(({ green }) => !green);
const seconds = done.map((record) => record.seconds).sort((one, other) => one - other);
console.log(
  `\n${runs - red.length} green, ${red.length} red${busy ? ', one core kept busy' : ''}; ` +
    `seconds: least ${seconds[0]}, median ${seconds[Math.floor((runs - 1) / 2)]}, most ${seconds.at(-1)}`,
);
const failures = Map.groupBy(
  red.flatMap(({ failed }) => failed.map(describeTest)),
  (name) => name,
);
for (const [name, times] of failures) console.log(`  failed ${times.length} times: ${name}`);
for (const { log } of red) if (log !== undefined) console.log(`  log: ${relative('', log)}`);
process.exitCode = red.length > 0 ? 1 : 0;
