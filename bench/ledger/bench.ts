import { type Bench, numberOf, pace, paceOf } from '../bench.ts';
import { figureOf } from '../figure.ts';
import { formatLedger } from './format.ts';
import { MAX_BATCHES_AT_ONCE, measureLedger, TARGET } from './measure.ts';
import type { LedgerReport } from './report.ts';

export const bench: Bench = {
  about: 'our delivery path with the ledger, against the same without',
  options: { ...pace(6, 1), batches: { type: 'string', default: '2' }, profile: { type: 'string' } },
  usage: [
    '--rounds N --seconds N  how often both sides are measured in turn, and for how long each time',
    '--batches N             so many batches of ten are in flight at any time, 1 to 3',
    '--profile DIRECTORY     writes the sender’s CPU profile, for the developer tools of a browser',
  ],
  async measure(values) {
    const report = await measureLedger({
      ...paceOf(values),
      batchesAtOnce: Math.round(numberOf(values, 'batches', 1, MAX_BATCHES_AT_ONCE)),
      profileDirectory: values.profile as string | undefined,
    });
    return { details: formatLedger(report), figures: figuresOf(report) };
  },
};

function figuresOf({ on, off, throughput, cpu, rounds }: LedgerReport) {
  return [
    figureOf({
      name: 'ledger.per_second',
      unit: 'deliveries/s',
      value: on.perSecond,
      runs: rounds,
      beside: { name: 'without the ledger', value: off.perSecond, ratio: throughput },
      target: { of: 'ratio', is: 'at least', bound: TARGET },
    }),
    figureOf({
      name: 'ledger.cpu',
      unit: 'µs/delivery',
      value: on.cpuMicroseconds,
      runs: rounds,
      beside: { name: 'without the ledger', value: off.cpuMicroseconds, ratio: cpu },
    }),
  ];
}
