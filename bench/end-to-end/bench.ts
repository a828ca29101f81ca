import { synthesizeLocalStage } from '../../local/synthesize.ts';
import { type Bench, pace, paceOf } from '../bench.ts';
import { type Figure, figure, type Target } from '../figure.ts';
import { latencyFigure } from '../whole-pipeline.ts';
import { BURST, type EndToEndReport, measureEndToEnd, PER_SECOND, REPEATS } from './measure.ts';
import type { Variant } from './variant.ts';

/** Target of the p95, in ms. Requirement T14 is 5,000. */
const P95_MS = { withWindow: 1500, withoutWindow: 250 } as const;

const WITH_WINDOW: Variant = { mapping: 'window', ledger: 'on', telemetry: 'on' };
/** Logs and metrics may take 10% of a batch's CPU, so at most this factor of the CPU without them. */
const TELEMETRY_RATIO = 1.11;
/** Target for logs and metrics per delivered event. */
const WRITTEN_BYTES = 1024;

export const bench: Bench = {
  about: 'completion to webhook through the whole pipeline: latency, cache hits, CPU, logs',
  options: pace(3, 4),
  usage: [
    `--rounds N --seconds N  number of bursts of ${BURST}, and of periods with ${PER_SECOND} a second, and their duration`,
  ],
  async measure(values) {
    const { rounds, seconds } = paceOf(values);
    const assemblyDirectory = await synthesizeLocalStage();
    const options = { bursts: rounds, stretches: rounds, seconds, assemblyDirectory };
    const steadyOnly = { ...options, bursts: 0 };
    const whole = await measureEndToEnd(WITH_WINDOW, options);
    const withoutLedger = await measureEndToEnd({ ...WITH_WINDOW, ledger: 'off' }, steadyOnly);
    const silent = await measureEndToEnd({ ...WITH_WINDOW, telemetry: 'off' }, steadyOnly);
    const withoutWindow = await measureEndToEnd({ ...WITH_WINDOW, mapping: 'noWindow' }, options);
    return [
      ...latencyFigures('end_to_end', whole, P95_MS.withWindow),
      ...latencyFigures('end_to_end.no_window', withoutWindow, P95_MS.withoutWindow),
      figure({
        name: 'end_to_end.cache_hits',
        unit: 'share',
        values: whole.steady.map(({ hitRate }) => hitRate),
        baseline: { name: 'events of learners queried before', values: whole.steady.map(() => REPEATS) },
      }),
      cpuFigure('end_to_end.cpu', whole, 'without the ledger', withoutLedger),
      cpuFigure('end_to_end.cpu.telemetry', whole, 'without logs and metrics', silent, {
        target: { of: 'ratio', is: 'at most', bound: TELEMETRY_RATIO },
      }),
      figure({
        name: 'end_to_end.written',
        unit: 'bytes/event',
        values: whole.steady.map(({ writtenBytes }) => writtenBytes),
        target: { of: 'value', is: 'at most', bound: WRITTEN_BYTES },
      }),
    ];
  },
};

function cpuFigure(
  name: string,
  whole: EndToEndReport,
  against: string,
  without: EndToEndReport,
  target: { readonly target?: Target } = {},
): Figure {
  const valuesOf = ({ steady }: EndToEndReport) => steady.map(({ cpuMs }) => cpuMs);
  const baseline = { name: against, values: valuesOf(without) };
  return figure({ name, unit: 'ms', values: valuesOf(whole), baseline, ...target });
}

function latencyFigures(name: string, { cold, bursts, steady }: EndToEndReport, p95Ms: number): Figure[] {
  const target: Target = { of: 'value', is: 'at most', bound: p95Ms };
  const loads = { burst: bursts, steady: steady.map(({ latencies }) => latencies) };
  return [
    latencyFigure(`${name}.cold`, [cold], 0.95),
    ...Object.entries(loads).flatMap(([load, runs]) => [
      latencyFigure(`${name}.${load}`, runs, 0.5),
      latencyFigure(`${name}.${load}`, runs, 0.95, target),
      latencyFigure(`${name}.${load}`, runs, 0.99),
    ]),
  ];
}
