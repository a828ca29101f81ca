import type { TimerCount } from '../ledger/ports.ts';
import type { IntegrationRegistry } from '../partners/integration-registry.ts';
import { createCachedValue } from '../shared/cache.ts';
import { errorFields } from '../shared/errors.ts';
import type { Log } from '../shared/log.ts';
import type { MetricReader } from '../shared/metric-reader.ts';
import { gaugeQueries, gaugeSamples, type QueueNames } from './gauges.ts';
import { HOUR_PERIOD_SECONDS, spanUntil } from './metric-queries.ts';
import { prometheusText } from './prometheus-text.ts';
import { cacheMs, idsOf } from './read-health.ts';

export interface GaugeServices {
  /** Undefined if they were never read. */
  readonly integrations: { read(): Promise<IntegrationRegistry | undefined> };
  readonly metrics: MetricReader;
  /** @throws LedgerUnavailable */
  readonly timers: (nowMs: number) => Promise<TimerCount>;
  readonly queues: QueueNames;
  readonly log: Log;
  /** Namespace of the stage's metrics. */
  readonly namespace: string;
  /** Wall clock, ms. */
  readonly now: () => number;
}

/** The metrics for Prometheus, cached for less than a minute. */
export interface GaugeReader {
  /** Undefined if no source can be read. */
  text(): Promise<string | undefined>;
}

export function createGaugeReader(services: GaugeServices): GaugeReader {
  const gauges = createCachedValue({
    read: () => readGauges(services),
    keepMs: ({ isWhole }) => cacheMs(isWhole),
    now: services.now,
  });
  return { text: async () => (await gauges.get()).text };
}

async function readGauges(services: GaugeServices) {
  const { integrations, metrics, queues, namespace, now } = services;
  const registry = await integrations.read();
  const integrationIds = registry && idsOf(registry);
  const readAtMs = now();
  const queries = gaugeQueries(namespace, integrationIds ?? [], queues);
  const [values, timers] = await Promise.all([
    metrics.read(queries, spanUntil(readAtMs, 1, HOUR_PERIOD_SECONDS)),
    readTimers(readAtMs, services),
  ]);
  const samples = gaugeSamples({ integrationIds, values, queues, timers, readAtMs });
  const isNothingRead = integrationIds === undefined && values.size === 0 && timers === undefined;
  return {
    text: isNothingRead ? undefined : prometheusText(samples),
    isWhole: samples.sourceUp?.every(({ value }) => value === 1) ?? false,
  };
}

async function readTimers(nowMs: number, { timers, log }: GaugeServices): Promise<TimerCount | undefined> {
  try {
    return await timers(nowMs);
  } catch (thrown) {
    log.warn('timers.unread', errorFields(thrown));
    return undefined;
  }
}
