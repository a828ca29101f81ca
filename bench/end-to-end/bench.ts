import { synthesizeLocalStage } from '../../local/synthesize.ts';
import { type Bench, pace, paceOf } from '../bench.ts';
import { type Figure, figure, type Target } from '../figure.ts';
import { BURST, type EndToEndReport, type Latencies, measureEndToEnd, PER_SECOND, REPEATS } from './measure.ts';
import type { Variant } from './variant.ts';

/** Of the p95, ms. Document 001 asks for 5,000. */
const P95_MS = { withWindow: 1500, withoutWindow: 250 } as const;

const DEPLOYED: Variant = { window: 'on', ledger: 'on', telemetry: 'on' };
/** Logs and metrics may take a tenth of a batch's CPU: as much with them is at most so much without. */
const TELEMETRY_RATIO = 1.11;
/** Of logs and metrics, for each delivered event. */
const WRITTEN_BYTES = 1024;

export const bench: Bench = {
  about: 'completion to webhook through the whole pipeline: latency, hits of the cache, CPU, logs',
  options: pace(3, 4),
  usage: [
    `--rounds N --seconds N  how many bursts of ${BURST}, and how many stretches of ${PER_SECOND} a second, each so long`,
  ],
  async measure(values) {
    const { rounds, seconds } = paceOf(values);
    const assemblyDirectory = await synthesizeLocalStage();
    const options = { bursts: rounds, stretches: rounds, seconds, assemblyDirectory };
    const whole = await measureEndToEnd(DEPLOYED, options);
    const steadyOnly = { ...options, bursts: 0 };
    const withoutLedger = await measureEndToEnd({ ...DEPLOYED, ledger: 'off' }, steadyOnly);
    const silent = await measureEndToEnd({ ...DEPLOYED, telemetry: 'off' }, steadyOnly);
    const withoutWindow = await measureEndToEnd({ ...DEPLOYED, window: 'off' }, options);
    return {
      figures: [
        ...latencyFigures('end_to_end', whole, P95_MS.withWindow),
        ...latencyFigures('end_to_end.no_window', withoutWindow, P95_MS.withoutWindow),
        figure({
          name: 'end_to_end.cache_hits',
          unit: 'share',
          values: whole.hitRates,
          baseline: { name: 'events of learners asked before', values: whole.hitRates.map(() => REPEATS) },
        }),
        figure({
          name: 'end_to_end.cpu',
          unit: 'ms',
          values: whole.cpuMs,
          baseline: { name: 'without the ledger', values: withoutLedger.cpuMs },
        }),
        figure({
          name: 'end_to_end.cpu.telemetry',
          unit: 'ms',
          values: whole.cpuMs,
          baseline: { name: 'without logs and metrics', values: silent.cpuMs },
          target: { of: 'ratio', is: 'at most', bound: TELEMETRY_RATIO },
        }),
        figure({
          name: 'end_to_end.written',
          unit: 'bytes/event',
          values: whole.writtenBytes,
          target: { of: 'value', is: 'at most', bound: WRITTEN_BYTES },
        }),
      ],
    };
  },
};

function latencyFigures(name: string, { cold, bursts, steady }: EndToEndReport, p95Ms: number): Figure[] {
  const target: Target = { of: 'value', is: 'at most', bound: p95Ms };
  const of = (load: string, all: readonly Latencies[]) =>
    (['p50', 'p95', 'p99'] as const).map((share) =>
      figure({
        name: `${name}.${load}.${share}`,
        unit: 'ms',
        values: all.map((latencies) => latencies[share]),
        ...(share === 'p95' && { target }),
      }),
    );
  return [
    figure({ name: `${name}.cold.p95`, unit: 'ms', values: [cold.p95] }),
    ...of('burst', bursts),
    ...of('steady', steady),
  ];
}
