import { appendFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { play } from './demo/script.ts';
import { formatTable } from './demo/table.ts';
import { startWorld } from './demo/world.ts';
import { synthesizeLocalStage } from './synthesize.ts';

const USAGE = `usage: npm run demo -- [--time-scale N] [--receipts FILE]
  --time-scale N   the workflow's waits last N times less (1 to 1000, default 60: a minute is a second)
  --receipts FILE  writes each request that a partner received as a line of JSON`;

interface Options {
  readonly timeScale: number;
  readonly receiptsFile: string | undefined;
}

/** @throws Error in one line where the command line is not understood */
function readOptions(): Options {
  const { values } = parseArgs({
    options: { 'time-scale': { type: 'string', default: '60' }, receipts: { type: 'string' } },
  });
  const timeScale = Number(values['time-scale']);
  if (!(timeScale >= 1 && timeScale <= 1000)) throw new Error('--time-scale takes a number from 1 to 1000');
  return { timeScale, receiptsFile: values.receipts };
}

async function demo({ timeScale, receiptsFile }: Options): Promise<boolean> {
  const startedAt = Date.now();
  const say = (line: string) => console.log(`${((Date.now() - startedAt) / 1000).toFixed(1).padStart(5)} s  ${line}`);
  if (receiptsFile !== undefined) writeFileSync(receiptsFile, '');
  say('synthesizing the stage "local"');
  const assemblyDirectory = await synthesizeLocalStage();
  const world = await startWorld({
    assemblyDirectory,
    timeScale,
    ...(receiptsFile !== undefined && {
      onReceipt: (receipt) => appendFileSync(receiptsFile, `${JSON.stringify(receipt)}\n`),
    }),
  });
  try {
    say(
      `the template runs: SQS at ${world.platform.endpoints.AWS_ENDPOINT_URL_SQS}, a minute is ${(60 / timeScale).toFixed(1)} s`,
    );
    const rows = await play(world, say);
    const asExpected = rows.filter(({ isExpected }) => isExpected).length;
    say(`${asExpected} of ${rows.length} as expected`);
    console.log(`\n${formatTable(rows)}\n`);
    for (const line of world.thrown()) console.log(`thrown by ${line}`);
    return asExpected === rows.length;
  } finally {
    await world.stop();
  }
}

try {
  process.exitCode = (await demo(readOptions())) ? 0 : 1;
} catch (thrown) {
  const isUsage = (thrown as { code?: string }).code?.startsWith('ERR_PARSE_ARGS') || String(thrown).includes('--time');
  console.error(thrown instanceof Error ? thrown.message : thrown);
  if (isUsage) console.error(USAGE);
  process.exitCode = isUsage ? 2 : 1;
}
