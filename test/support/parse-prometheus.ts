/** One sample as Prometheus would store it. */
interface ParsedSample {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

interface ParsedMetric {
  readonly type: string;
  readonly help: string;
  readonly samples: readonly ParsedSample[];
}

const HEADER = /^# HELP ([a-z0-9_]+) (.+)\n# TYPE \1 (gauge)$/;
const SAMPLE = /^([a-z0-9_]+)(?:\{(.*)\})? ([+-]?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|NaN|[+-]Inf)$/s;
const LABEL = /([a-z_]+)="((?:[^"\\\n]|\\[\\"n])*)"/;
const LABELS = new RegExp(`^${LABEL.source}(?:,${LABEL.source})*$`);

/**
 * Parses the part of Prometheus' text format 0.0.4 that `/metrics` uses: each metric once, with HELP, TYPE and samples in
 * this order. promtool checks the format too (`test/conformance`).
 *
 * @throws Error that names the line
 */
export function parsePrometheus(text: string): ReadonlyMap<string, ParsedMetric> {
  const metrics = new Map<string, ParsedMetric>();
  for (const block of text.split(/^(?=# HELP )/m).filter((one) => one !== '')) {
    const [help = '', type = '', ...lines] = block.split('\n');
    const [, name, helpText = '', typeName = ''] = HEADER.exec(`${help}\n${type}`) ?? [];
    if (name === undefined || metrics.has(name)) throw new Error(`no header, or one twice: ${help}`);
    if (lines.pop() !== '' || lines.length === 0) throw new Error(`no sample, or no end of the last line: ${help}`);
    const samples = lines.map((line) => sampleOf(line, name));
    if (new Set(samples.map(({ labels }) => JSON.stringify(labels))).size < samples.length) {
      throw new Error(`a sample comes twice: ${name}`);
    }
    metrics.set(name, { type: typeName, help: unescaped(helpText), samples });
  }
  return metrics;
}

function sampleOf(line: string, metric: string): ParsedSample {
  const [, name, labels, value = ''] = SAMPLE.exec(line) ?? [];
  if (name !== metric || (labels !== undefined && !LABELS.test(labels))) throw new Error(`no sample: ${line}`);
  const pairs = [...(labels ?? '').matchAll(new RegExp(LABEL, 'g'))];
  return {
    labels: Object.fromEntries(pairs.map(([, label = '', text = '']) => [label, unescaped(text)])),
    value: Number(value.replace('Inf', 'Infinity')),
  };
}

function unescaped(text: string): string {
  return text.replace(/\\([\\"n])/g, (_, character: string) => (character === 'n' ? '\n' : character));
}
