import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findStage } from '../../lib/stage.ts';
import { ENTERPRISE } from '../../local/demo/sample-events.ts';
import { startValkey } from '../../local/valkey/start-valkey.ts';
import { bundleAsDeployed } from '../bundles/bundle.ts';
import { deployFlag, learningTimeVariables, SECRET_ID } from '../enrichment/enrichment-surroundings.ts';
import { type Figure, figure } from '../figure.ts';
import { percentile } from '../statistics.ts';
import { deployIntegrations, startSurroundings } from '../surroundings.ts';
import { startWorker } from '../worker.ts';
import type { LimiterCalls, LimiterOrder } from './limiter-calls.ts';
import type { Loaded, LoadOrder } from './loader.ts';
import type { WarehouseOrder, WarehouseUse } from './warehouse.ts';

/** Rows of the small run, which the large one has five times. */
export const ROWS = { small: 200_000, large: 1_000_000 } as const;
type Size = keyof typeof ROWS;

const { memoryMegabytes, timeoutSeconds } = findStage('prod').functions.warmCache;
const { maxEcpuPerSecond } = findStage('prod').cache;

/** No limit that a run reaches here: the rows a second are the function's own. */
const UNBOUNDED_ECPU = 1_000_000_000;
/** How long the run at the deployed pace takes, for the limiter's calls. */
const PACED_SECONDS = 20;
/** As Lambda's runtime starts Node: 90% of the memory for old objects, 5% for young ones. */
const NODE_LIMITS = [
  `--max-old-space-size=${Math.floor(memoryMegabytes * 0.9)}`,
  `--max-semi-space-size=${Math.floor(memoryMegabytes * 0.05)}`,
];
const MAX_HEAP_RATIO = 1.2;
const MAX_LIMITER_MS = 200;

interface Run extends Loaded {
  readonly rows: number;
  /** From the first request for rows to the end. */
  readonly loadMs: number;
  readonly limiter: LimiterCalls;
}

/**
 * Loads an empty Valkey from the local Snowflake with the deployed bundle of WarmCache, new processes for each run: 200,000 rows
 * and 1,000,000, as fast as it can, and 20 s at the deployed pace.
 *
 * @throws Error if a run is not complete
 */
export async function loadFigures(rounds: number): Promise<Figure[]> {
  await using stack = new AsyncDisposableStack();
  const directory = stack.adopt(mkdtempSync(join(tmpdir(), 'warming-')), (path) => rmSync(path, { recursive: true }));
  const { file } = bundleAsDeployed('warming/warm-cache', directory);
  const { plane, variables } = stack.use(await startSurroundings('warming'));
  const user = { account: 'bench', user: 'ENTERPRISE_SERVICE_USER', password: randomUUID() };
  const warehouse = stack.use(
    await startWorker<WarehouseOrder, WarehouseUse>(new URL('./warehouse.ts', import.meta.url), {
      env: { SNOWFLAKE_USER: JSON.stringify(user) },
    }),
  );
  const { address } = await warehouse.perform({});
  plane.secretsManager.put(SECRET_ID, JSON.stringify({ ...user, access_url: address }));
  deployFlag(plane);
  const integration = { id: 'partner', url: 'https://partner.example.com', enterprise_customer_uuid: ENTERPRISE };
  const env = {
    ...variables,
    ...learningTimeVariables(),
    ...deployIntegrations(plane, 'integrations', [integration]),
    BUNDLE: file,
    WARM_ACTIVE_DAYS: '14',
    WARM_MAX_ROWS: String(ROWS.large),
  };
  async function load(rows: number, ecpuPerSecond = UNBOUNDED_ECPU, isHeapMeasured = false): Promise<Run> {
    await warehouse.perform({ rows });
    await using run = new AsyncDisposableStack();
    const valkey = run.adopt(await startValkey(), ({ stop }) => stop());
    const CACHE_PORT = String(valkey.port);
    const limiter = run.use(
      await startWorker<LimiterOrder, LimiterCalls>(new URL('./limiter-calls.ts', import.meta.url), {
        env: { CACHE_PORT },
      }),
    );
    const loader = run.use(
      await startWorker<LoadOrder, Loaded>(new URL('./loader.ts', import.meta.url), {
        env: { ...env, CACHE_PORT, CACHE_MAX_ECPU_PER_SECOND: String(ecpuPerSecond) },
        execArgv: NODE_LIMITS,
      }),
    );
    await limiter.perform('begin');
    const loaded = await loader.perform({ timeoutMs: timeoutSeconds * 1000, isHeapMeasured });
    const calls = await limiter.perform('end');
    const { result, confirmed } = loaded.report;
    if (result !== 'complete' || confirmed !== rows) throw new Error(`${result} with ${confirmed} of ${rows} rows`);
    const { readFromMs = 0 } = await warehouse.perform({});
    return { ...loaded, rows, loadMs: loaded.endedAtMs - readFromMs, limiter: calls };
  }

  const runs: Record<Size, Run[]> = { small: [], large: [] };
  const heaps: Record<Size, Run[]> = { small: [], large: [] };
  for (let round = 0; round < rounds; round += 1) {
    for (const size of ['small', 'large'] as const) {
      runs[size].push(await load(ROWS[size]));
      heaps[size].push(await load(ROWS[size], UNBOUNDED_ECPU, true));
    }
  }
  return figuresOf(runs, heaps, await load((maxEcpuPerSecond / 2) * PACED_SECONDS, maxEcpuPerSecond));
}

type Runs = Readonly<Record<Size, readonly Run[]>>;

/** @param heaps runs of which the heap was measured */
function figuresOf({ small, large }: Runs, heaps: Runs, paced: Run): Figure[] {
  const megabytes = (runs: readonly Run[], of: (run: Run) => number) => runs.map((run) => of(run) / 1_000_000);
  const heapOf = ({ heapBytes }: Run) => heapBytes;
  // The difference of both sizes is without what a run costs in any case: cold start, login, token.
  const cpuOfRow = large.map((run, index) => {
    const other = small[index] as Run;
    return ((run.cpuMs - other.cpuMs) * 1000) / (run.rows - other.rows);
  });
  const limiterFigure = (name: string, runs: readonly Run[]) => [
    figure({
      name: `warming.load.limiter${name}.max`,
      unit: 'ms',
      values: runs.map(({ limiter }) => Math.max(...limiter.latenciesMs)),
      target: { of: 'value', is: 'at most', bound: MAX_LIMITER_MS },
    }),
    figure({
      name: `warming.load.limiter${name}.p99`,
      unit: 'ms',
      values: runs.map(({ limiter }) => percentile(limiter.latenciesMs, 0.99)),
    }),
  ];
  return [
    figure({ name: 'warming.load.cpu', unit: 'µs/row', values: cpuOfRow }),
    figure({
      name: 'warming.load.per_second',
      unit: 'rows/s',
      values: large.map(({ rows, loadMs }) => (rows * 1000) / loadMs),
      baseline: { name: 'the deployed pace', values: large.map(() => maxEcpuPerSecond / 2) },
    }),
    figure({
      name: 'warming.load.heap',
      unit: 'MB',
      values: megabytes(heaps.large, heapOf),
      baseline: { name: '200,000 rows', values: megabytes(heaps.small, heapOf) },
      target: { of: 'ratio', is: 'at most', bound: MAX_HEAP_RATIO },
    }),
    figure({
      name: 'warming.load.heap.of_memory',
      unit: 'share',
      values: heaps.large.map((run) => heapOf(run) / (memoryMegabytes * 1024 * 1024)),
      target: { of: 'value', is: 'at most', bound: 0.5 },
    }),
    // With what was not collected yet.
    figure({
      name: 'warming.load.heap.peak',
      unit: 'MB',
      values: megabytes(large, heapOf),
      baseline: { name: '200,000 rows', values: megabytes(small, heapOf) },
    }),
    figure({ name: 'warming.load.memory', unit: 'MB', values: megabytes(large, ({ memoryBytes }) => memoryBytes) }),
    ...limiterFigure('.paced', [paced]),
    ...limiterFigure('', large),
  ];
}
