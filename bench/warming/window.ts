import { synthesizeLocalStage } from '../../local/synthesize.ts';
import { measureEndToEnd } from '../end-to-end/measure.ts';
import type { Variant } from '../end-to-end/variant.ts';
import { type Figure, figure } from '../figure.ts';
import { percentile } from '../statistics.ts';

const WITH_WINDOW: Variant = { mapping: 'window', ledger: 'on', telemetry: 'on' };
const MAX_RATIO = { burst: 0.25, steady: 0.05 } as const;

/**
 * Completion to webhook with every learner in the cache: without a batching window against the window of 1 s.
 *
 * @param rounds bursts, and periods of the steady stream
 * @param seconds of each period
 */
export async function windowFigures(rounds: number, seconds: number): Promise<Figure[]> {
  const assemblyDirectory = await synthesizeLocalStage();
  const options = { bursts: rounds, stretches: rounds, seconds, repeats: 1, assemblyDirectory };
  const window = await measureEndToEnd(WITH_WINDOW, options);
  const noWindow = await measureEndToEnd({ ...WITH_WINDOW, mapping: 'noWindow' }, options);
  const latencies = {
    burst: { of: noWindow.bursts, baseline: window.bursts },
    steady: {
      of: noWindow.steady.map((stretch) => stretch.latencies),
      baseline: window.steady.map((stretch) => stretch.latencies),
    },
  };
  return (['burst', 'steady'] as const).flatMap((load) =>
    [0.5, 0.95].map((share) => {
      const values = (runs: readonly (readonly number[])[]) => runs.map((run) => percentile(run, share));
      return figure({
        name: `warming.window.${load}.p${share * 100}`,
        unit: 'ms',
        values: values(latencies[load].of),
        baseline: { name: 'window of 1 s', values: values(latencies[load].baseline) },
        ...(share === 0.95 && { target: { of: 'ratio', is: 'at most', bound: MAX_RATIO[load] } }),
      });
    }),
  );
}
