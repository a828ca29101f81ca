import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { WarmReport } from '../../lambdas/warming/warm-report.ts';
import { metered } from '../cpu.ts';
import { carryOutOrders } from '../worker.ts';

export interface LoadOrder {
  /** The time that the function has. */
  readonly timeoutMs: number;
  /** Collects garbage every half second, for the heap; it takes CPU. */
  readonly isHeapMeasured: boolean;
}

export interface Loaded {
  readonly report: WarmReport;
  readonly cpuMs: number;
  readonly endedAtMs: number;
  /** Largest heap, with the buffers outside of it, in bytes: what is in use, if it was measured. */
  readonly heapBytes: number;
  /** Largest memory of the process, in bytes. */
  readonly memoryBytes: number;
}

const SAMPLE_MS = 10;
const COLLECT_MS = 500;

setFlagsFromString('--expose-gc');
const collectGarbage: () => void = runInNewContext('gc');

/** The measured process: the deployed bundle of WarmCache, invoked once. */
const { handler } = await import(String(process.env.BUNDLE));

carryOutOrders<LoadOrder, Loaded>(async ({ timeoutMs, isHeapMeasured }) => {
  const startedAtMs = performance.now();
  let heapBytes = 0;
  let memoryBytes = 0;
  const sample = () => {
    if (isHeapMeasured) collectGarbage();
    const { heapUsed, external, rss } = process.memoryUsage();
    heapBytes = Math.max(heapBytes, heapUsed + external);
    memoryBytes = Math.max(memoryBytes, rss);
  };
  const sampling = setInterval(sample, isHeapMeasured ? COLLECT_MS : SAMPLE_MS);
  let report: WarmReport | undefined;
  const { cpuMs } = await metered(async () => {
    report = await handler({}, { getRemainingTimeInMillis: () => timeoutMs - (performance.now() - startedAtMs) });
    return 1;
  });
  clearInterval(sampling);
  return { report: report as WarmReport, cpuMs, endedAtMs: Date.now(), heapBytes, memoryBytes };
});
