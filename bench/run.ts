import { readFlags, readNumber, UsageError } from '../local/command-line.ts';
import { synthesizeLocalStage } from '../local/synthesize.ts';
import * as delivery from './delivery/measure.ts';
import { formatFairness } from './fairness/format.ts';
import * as fairness from './fairness/measure.ts';
import { formatLedger } from './ledger/format.ts';
import * as ledger from './ledger/measure.ts';

const USAGE = `usage: npm run bench -- delivery [--rounds N] [--seconds N] [--parts] [--profile DIRECTORY]
       npm run bench -- fairness [--rounds N] [--seconds N]
       npm run bench -- ledger [--rounds N] [--seconds N] [--batches N] [--profile DIRECTORY]
  delivery     our delivery path against a bare keep-alive POST loop
  fairness     partner A's latency while partner B hangs, against B healthy
  ledger       our delivery path with the ledger, against the same without
  --rounds N   how often everything is measured in turn (delivery: 30, fairness: 3,
               ledger: 15)
  --seconds N  how long each load runs in a round (delivery: 0.3, ledger: 1.5), how
               long B is healthy, then hangs (fairness: 10)
  --parts      besides, our path without one part at a time: what each of them costs
  --batches N  so many batches of ten are in flight at any time (ledger: 2)
  --profile    writes the sender's CPU profile, for the developer tools of a browser`;

/** What a run prints: the table for people, and the report for machines. */
interface Outcome {
  readonly table: string;
  readonly target: number;
  readonly report: object;
}

/** The benchmarks, each with its own command line. */
const BENCHES: Readonly<Record<string, (args: readonly string[]) => Promise<Outcome>>> = {
  async delivery(args) {
    const flags = { parts: { type: 'boolean', default: false }, profile: { type: 'string' } } as const;
    const values = readFlags(args, { ...pace('30', '0.3'), ...flags });
    const { parts: hasParts, profile: profileDirectory } = values;
    const report = await delivery.measureDelivery({ ...paceOf(values), hasParts, profileDirectory });
    return { table: delivery.formatDelivery(report), target: delivery.TARGET, report };
  },
  async fairness(args) {
    const options = paceOf(readFlags(args, pace('3', '10')));
    const report = await fairness.measureFairness({ ...options, assemblyDirectory: await synthesizeLocalStage() });
    return { table: formatFairness(report), target: fairness.TARGET, report };
  },
  async ledger(args) {
    const flags = { batches: { type: 'string', default: '2' }, profile: { type: 'string' } } as const;
    const values = readFlags(args, { ...pace('15', '1.5'), ...flags });
    const batchesAtOnce = Math.round(readNumber('batches', values.batches, 1, ledger.MAX_BATCHES_AT_ONCE));
    const report = await ledger.measureLedger({
      ...paceOf(values),
      batchesAtOnce,
      profileDirectory: values.profile,
    });
    return { table: formatLedger(report), target: ledger.TARGET, report };
  },
};

function pace(rounds: string, seconds: string) {
  return { rounds: { type: 'string', default: rounds }, seconds: { type: 'string', default: seconds } } as const;
}

function paceOf({ rounds, seconds }: { readonly rounds: string; readonly seconds: string }) {
  return { rounds: readNumber('rounds', rounds, 1, 1000), seconds: readNumber('seconds', seconds, 0.01, 600) };
}

async function main([which = '', ...args]: readonly string[]): Promise<void> {
  const bench = Object.hasOwn(BENCHES, which) ? BENCHES[which] : undefined;
  if (bench === undefined) throw new UsageError('which bench: delivery, fairness or ledger?');
  const { table, target, report } = await bench(args);
  console.log(`${table}\n`);
  console.log(JSON.stringify({ bench: which, target, ...report }));
}

try {
  await main(process.argv.slice(2));
} catch (thrown) {
  const isUsage = thrown instanceof UsageError;
  console.error(isUsage ? `${thrown.message}\n${USAGE}` : thrown);
  process.exitCode = isUsage ? 2 : 1;
}
