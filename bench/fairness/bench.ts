import { synthesizeLocalStage } from '../../local/synthesize.ts';
import { type Bench, pace, paceOf } from '../bench.ts';
import { figure } from '../figure.ts';
import { formatFairness } from './format.ts';
import { type FairnessReport, measureFairness, TARGET } from './measure.ts';

export const bench: Bench = {
  about: 'partner A’s latency while partner B hangs, against B healthy',
  options: pace(2, 10),
  usage: ['--rounds N --seconds N  how often B begins to hang, and how long it is healthy before and hangs then'],
  async measure(values) {
    const report = await measureFairness({ ...paceOf(values), assemblyDirectory: await synthesizeLocalStage() });
    return { details: formatFairness(report), figures: figuresOf(report) };
  },
};

function figuresOf({ healthy, hanging, transient }: FairnessReport) {
  return [
    figure({
      name: 'fairness.p99',
      unit: 'ms',
      values: [hanging.p99],
      baseline: { name: 'B healthy', values: [healthy.p99] },
      target: { of: 'ratio', is: 'at most', bound: TARGET },
    }),
    figure({ name: 'fairness.until_noticed.max', unit: 'ms', values: [transient.max] }),
  ];
}
