import { setTimeout as sleep } from 'node:timers/promises';
import { type Figure, figure } from './figure.ts';
import type { PartnerOrder } from './recording-partner.ts';
import { percentile } from './statistics.ts';
import { startWorker } from './worker.ts';

const LAST_ARRIVAL_MS = 20_000;
const POLL_MS = 100;

/** When each webhook was received first, epoch ms, by its id. */
export type Arrivals = ReadonlyMap<string, number>;

/** All partners in a process of their own. */
export interface RecordingPartner extends AsyncDisposable {
  readonly url: string;
  /** From now on this path takes requests and never responds. */
  hang(path: string): Promise<void>;
  arrivals(): Promise<Arrivals>;
}

export async function startRecordingPartner(): Promise<RecordingPartner> {
  const worker = await startWorker<PartnerOrder, unknown>(new URL('./recording-partner.ts', import.meta.url));
  return {
    url: `http://${await worker.perform('address')}`,
    async hang(path) {
      await worker.perform({ hang: path });
    },
    arrivals: async () => new Map((await worker.perform('arrivals')) as [string, number][]),
    [Symbol.asyncDispose]: worker[Symbol.asyncDispose],
  };
}

export interface Published {
  readonly webhookId: string;
  /** Epoch ms, before it was sent. */
  readonly atMs: number;
}

/** Waits until all of them have been received, 20 s at most. */
export async function allArrivals(published: readonly Published[], { arrivals }: RecordingPartner): Promise<Arrivals> {
  const untilMs = Date.now() + LAST_ARRIVAL_MS;
  for (;;) {
    const arrived = await arrivals();
    if (published.every(({ webhookId }) => arrived.has(webhookId)) || Date.now() > untilMs) return arrived;
    await sleep(POLL_MS);
  }
}

/** Ms from published to received; `Infinity` if one never arrived. */
export function latenciesOf(published: readonly Published[], arrived: Arrivals): number[] {
  return published.map(({ webhookId, atMs }) => (arrived.get(webhookId) ?? Number.POSITIVE_INFINITY) - atMs);
}

/** Publishes at the clock's pace, whatever the pipeline does, until `count / perSecond` seconds have passed. */
export async function publishSteadily<T>(
  count: number,
  perSecond: number,
  publish: (index: number) => Promise<T>,
): Promise<T[]> {
  const publishing: Promise<T>[] = [];
  const startedAtMs = performance.now();
  for (let index = 0; index <= count; index += 1) {
    const leftMs = startedAtMs + (index * 1000) / perSecond - performance.now();
    if (leftMs > 0) await sleep(leftMs);
    if (index < count) publishing.push(publish(index));
  }
  return Promise.all(publishing);
}

/** A figure of a percentile, in ms, with a value for each run. @param share 0.99 for the p99, 1 for the maximum */
export function latencyFigure(
  name: string,
  runs: readonly (readonly number[])[],
  share: number,
  target?: Figure['target'],
): Figure {
  const suffix = share === 1 ? 'max' : `p${share * 100}`;
  return figure({
    name: `${name}.${suffix}`,
    unit: 'ms',
    values: runs.map((latencies) => percentile(latencies, share)),
    ...(target && { target }),
  });
}
