import { readFlags, readNumber, UsageError } from '../local/command-line.ts';
import { synthesizeLocalStage } from '../local/synthesize.ts';
import * as delivery from './delivery/measure.ts';
import { formatFairness } from './fairness/format.ts';
import * as fairness from './fairness/measure.ts';

const USAGE = `usage: npm run bench -- delivery [--rounds N] [--seconds N] [--parts] [--profile DIRECTORY]
       npm run bench -- fairness [--rounds N] [--seconds N]
  delivery     our delivery path against a bare keep-alive POST loop
  fairness     partner A's latency while partner B hangs, against B healthy
  --rounds N   how often everything is measured in turn (delivery: 30, fairness: 3)
  --seconds N  how long each load runs in a round (delivery: 0.3), how long
               B is healthy, then hangs (fairness: 10)
  --parts      besides, our path without one part at a time: what each of them costs
  --profile    writes the sender's CPU profile, for the developer tools of a browser`;

/** The table for people, then one line for machines. */
async function main([which, ...args]: readonly string[]): Promise<void> {
  const isDelivery = which === 'delivery';
  if (!isDelivery && which !== 'fairness') throw new UsageError('which bench: delivery or fairness?');
  const values = readFlags(args, {
    rounds: { type: 'string', default: isDelivery ? '30' : '3' },
    seconds: { type: 'string', default: isDelivery ? '0.3' : '10' },
    ...(isDelivery && { parts: { type: 'boolean', default: false }, profile: { type: 'string' } }),
  } as const);
  const options = {
    rounds: readNumber('rounds', values.rounds, 1, 1000),
    seconds: readNumber('seconds', values.seconds, 0.01, 600),
  };
  if (isDelivery) {
    const { parts = false, profile } = values as { readonly parts?: boolean; readonly profile?: string };
    const report = await delivery.measureDelivery({ ...options, hasParts: parts, profileDirectory: profile });
    console.log(`${delivery.formatDelivery(report)}\n`);
    console.log(JSON.stringify({ bench: which, target: delivery.TARGET, ...report }));
  } else {
    const assemblyDirectory = await synthesizeLocalStage();
    const report = await fairness.measureFairness({ ...options, assemblyDirectory });
    console.log(`${formatFairness(report)}\n`);
    console.log(JSON.stringify({ bench: which, target: fairness.TARGET, ...report }));
  }
}

try {
  await main(process.argv.slice(2));
} catch (thrown) {
  const isUsage = thrown instanceof UsageError;
  console.error(isUsage ? `${thrown.message}\n${USAGE}` : thrown);
  process.exitCode = isUsage ? 2 : 1;
}
