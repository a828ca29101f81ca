import { readFlags, readNumber, runProgram } from './command-line.ts';
import { startSession } from './demo/session.ts';
import { describeSoak, isSound, startTally } from './soak/outcome.ts';
import { SOAK_PARTNERS, type SoakRun, soak } from './soak/play-soak.ts';
import { synthesizeLocalStage } from './synthesize.ts';

const USAGE = `usage: npm run soak -- [--events N] [--kills-per-second N] [--seed N]
  publishes events, every tenth three times in parallel, and kills functions at random; redrives dead-letter messages twice; then
  compares the partners' counts with the ledger
  --events N            events, 10 to 100000 (default 1000)
  --kills-per-second N  functions killed, each with SIGKILL while it works, 0 to 20 (default 0.5).
                        A cold start takes a second of a core: with more, two cores do nothing else
  --seed N              decides which functions are killed (default 1)
  exits with 0 if every event reached its partner and the ledger agrees, else with 1`;

interface SoakOptions extends SoakRun {
  readonly isHelp: boolean;
}

/** @throws UsageError */
function readOptions(args: readonly string[]): SoakOptions {
  const values = readFlags(args, {
    events: { type: 'string', default: '1000' },
    'kills-per-second': { type: 'string', default: '0.5' },
    seed: { type: 'string', default: '1' },
    help: { type: 'boolean', short: 'h', default: false },
  });
  return {
    isHelp: values.help,
    events: Math.round(readNumber('events', values.events, 10, 100_000)),
    killsPerSecond: readNumber('kills-per-second', values['kills-per-second'], 0, 20),
    seed: Math.round(readNumber('seed', values.seed, 0, 2 ** 32 - 1)),
  };
}

/** Environments of all functions together, as many as a new AWS account may have: more would only wait for two cores. */
const ACCOUNT_CONCURRENCY = 10;

/** @returns whether every event reached its partner, and the ledger agrees with the partners */
async function run(options: SoakOptions): Promise<boolean> {
  const startedMs = performance.now();
  const say = (line: string) =>
    console.log(`${((performance.now() - startedMs) / 1000).toFixed(1).padStart(6)} s  ${line}`);
  say('synthesizing the stage "local"');
  const assemblyDirectory = await synthesizeLocalStage();
  const tally = startTally();
  const session = await startSession({
    assemblyDirectory,
    partners: SOAK_PARTNERS,
    onReceipt: tally.record,
    platformOptions: { accountConcurrency: ACCOUNT_CONCURRENCY },
  });
  try {
    const outcome = await soak(session, tally, options, say);
    console.log(`\n${describeSoak(outcome)}`);
    for (const line of session.thrown()) console.log(`thrown by ${line}`);
    return isSound(outcome);
  } finally {
    await session.stop();
  }
}

await runProgram({ usage: USAGE }, readOptions, run);
