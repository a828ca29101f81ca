import type { MetricReader } from '../contract/metric-reader.ts';
import { gaugeQueries, gaugeSamples, type QueueNames } from '../domain/gauges.ts';
import type { IntegrationBook } from '../domain/integrations.ts';
import { HOUR_PERIOD_SECONDS, spanUntil } from '../domain/metric-queries.ts';
import { prometheusText } from '../domain/prometheus-text.ts';
import { kept } from './kept.ts';
import { idsOf, keepMs } from './read-health.ts';

export interface GaugeServices {
  /** Undefined where they were never read. */
  readonly integrations: { read(): Promise<IntegrationBook | undefined> };
  readonly metrics: MetricReader;
  readonly queues: QueueNames;
  /** Of the stage's own metrics. */
  readonly namespace: string;
  /** Wall clock, ms. */
  readonly now: () => number;
}

/** What Prometheus is told, read anew where it is older than a minute. */
export interface GaugeReader {
  /** Undefined where nothing at all can be read. */
  text(): Promise<string | undefined>;
}

export function createGaugeReader(services: GaugeServices): GaugeReader {
  const read = kept(
    () => readGauges(services),
    ({ isWhole }) => keepMs(isWhole),
    services.now,
  );
  return { text: async () => (await read()).text };
}

async function readGauges({ integrations, metrics, queues, namespace, now }: GaugeServices) {
  const book = await integrations.read();
  const integrationIds = book && idsOf(book);
  const readAtMs = now();
  const queries = gaugeQueries(namespace, integrationIds ?? [], queues);
  const values = await metrics.read(queries, spanUntil(readAtMs, 1, HOUR_PERIOD_SECONDS));
  const samples = gaugeSamples({ integrationIds, values, queues, readAtMs });
  const isNothingRead = integrationIds === undefined && values.size === 0;
  return {
    text: isNothingRead ? undefined : prometheusText(samples),
    isWhole: samples.sourceUp?.every(({ value }) => value === 1) ?? false,
  };
}
