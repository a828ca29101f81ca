import { GAUGES, type GaugeKey, type Sample } from './prometheus.ts';

/** The samples of each gauge; a missing gauge has none. */
export type Samples = Readonly<Partial<Record<GaugeKey, readonly Sample[]>>>;

/**
 * Prometheus' text format, version 0.0.4 (Prometheus documentation, "Exposition formats"). A gauge without a known value
 * has no lines at all.
 */
export function prometheusText(samples: Samples): string {
  const keys = Object.keys(GAUGES) as GaugeKey[];
  return keys.map((key) => gaugeText(key, samples[key] ?? [])).join('');
}

function gaugeText(key: GaugeKey, samples: readonly Sample[]): string {
  const { name, help } = GAUGES[key];
  const lines = samples.flatMap(({ labels = {}, value }) =>
    value === undefined ? [] : [`${name}${labelText(labels)} ${valueText(value)}\n`],
  );
  return lines.length === 0 ? '' : `# HELP ${name} ${escapedHelp(help)}\n# TYPE ${name} gauge\n${lines.join('')}`;
}

function labelText(labels: Readonly<Record<string, string>>): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escapedLabel(value)}"`);
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`;
}

/** A number in Go's syntax, which differs from JavaScript's for infinities only. */
function valueText(value: number): string {
  if (Number.isFinite(value)) return String(value);
  if (Number.isNaN(value)) return 'NaN';
  return value > 0 ? '+Inf' : '-Inf';
}

/** Escapes a label, and replaces lone surrogates, because Prometheus refuses invalid UTF-8. */
function escapedLabel(value: string): string {
  return value.toWellFormed().replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
}

function escapedHelp(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n');
}
