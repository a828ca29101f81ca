import { UsageError } from './command-line.ts';
import { startWorld } from './demo/world.ts';
import { describeSoak } from './soak/describe-soak.ts';
import { SOAK_PARTNERS, soak } from './soak/play-soak.ts';
import { isSound } from './soak/reckon.ts';
import { readSoakOptions, SOAK_USAGE, type SoakOptions } from './soak/soak-options.ts';
import { startTally } from './soak/tally.ts';
import { synthesizeLocalStage } from './synthesize.ts';

/** Environments of all functions together, as many as a new AWS account may have: more only wait for two cores. */
const ACCOUNT_CONCURRENCY = 10;

/** @returns whether every event reached its partner, and the ledger says the same as the partners */
async function run(options: SoakOptions): Promise<boolean> {
  const startedMs = performance.now();
  const say = (line: string) =>
    console.log(`${((performance.now() - startedMs) / 1000).toFixed(1).padStart(6)} s  ${line}`);
  say('synthesizing the stage "local"');
  const assemblyDirectory = await synthesizeLocalStage();
  const tally = startTally();
  const world = await startWorld({
    assemblyDirectory,
    partners: SOAK_PARTNERS,
    onReceipt: tally.note,
    platformOptions: { accountConcurrency: ACCOUNT_CONCURRENCY },
  });
  try {
    const outcome = await soak(world, tally, options, say);
    console.log(`\n${describeSoak(outcome)}`);
    for (const line of world.thrown()) console.log(`thrown by ${line}`);
    return isSound(outcome);
  } finally {
    await world.stop();
  }
}

try {
  const options = readSoakOptions(process.argv.slice(2));
  if (options.isHelp) console.log(SOAK_USAGE);
  else process.exitCode = (await run(options)) ? 0 : 1;
} catch (thrown) {
  const isUsage = thrown instanceof UsageError;
  console.error(thrown instanceof Error ? thrown.message : thrown);
  if (isUsage) console.error(SOAK_USAGE);
  process.exitCode = isUsage ? 2 : 1;
}
