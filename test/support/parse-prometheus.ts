/** One sample as Prometheus would keep it. */
export interface ParsedSample {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

export interface ParsedMetric {
  readonly type: string;
  readonly help: string;
  readonly samples: readonly ParsedSample[];
}

const HELP = /^# HELP ([a-zA-Z_][a-zA-Z0-9_]*) (.+)$/;
const TYPE = /^# TYPE ([a-zA-Z_][a-zA-Z0-9_]*) (counter|gauge|histogram|summary|untyped)$/;
const SAMPLE = /^([a-zA-Z_][a-zA-Z0-9_]*)(?:\{(.*)\})? (\S+)$/s;
const LABEL = /^([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\[\\"n])*)"(,|$)/;
const VALUE = /^([+-]?\d+(\.\d+)?([eE][+-]?\d+)?|NaN|[+-]Inf)$/;

/**
 * Reads Prometheus' text format 0.0.4, and less than that allows: each metric has HELP, TYPE and samples, in this order
 * and once; nothing is between the lines; labels and samples do not repeat.
 *
 * @throws Error that names the line
 */
export function parsePrometheus(text: string): ReadonlyMap<string, ParsedMetric> {
  if (text !== '' && !text.endsWith('\n')) throw new Error('the last line has no end');
  const metrics = new Map<string, { type: string; help: string; samples: ParsedSample[] }>();
  let helped: { readonly name: string; readonly help: string } | undefined;
  let current = '';
  for (const line of text.split('\n').slice(0, -1)) {
    const fail = (why: string) => new Error(`${why}: ${line}`);
    const [, helpName, help = ''] = HELP.exec(line) ?? [];
    const [, typeName, type = ''] = TYPE.exec(line) ?? [];
    if (helpName !== undefined) {
      if (metrics.has(helpName)) throw fail('a metric comes twice');
      helped = { name: helpName, help: unescaped(help) };
    } else if (typeName !== undefined) {
      if (helped?.name !== typeName) throw fail('a type without its help');
      metrics.set(typeName, { type, help: helped.help, samples: [] });
      current = typeName;
      helped = undefined;
    } else {
      const [, name = '', labels = '', value = ''] = SAMPLE.exec(line) ?? [];
      const metric = metrics.get(name);
      if (metric === undefined || name !== current || helped !== undefined) throw fail('no sample of the metric above');
      if (!VALUE.test(value)) throw fail('no value');
      const sample = { labels: labelsOf(labels, fail), value: numberOf(value) };
      const key = JSON.stringify(Object.entries(sample.labels).sort());
      if (metric.samples.some((other) => JSON.stringify(Object.entries(other.labels).sort()) === key)) {
        throw fail('a sample comes twice');
      }
      metric.samples.push(sample);
    }
  }
  for (const [name, { samples }] of metrics) if (samples.length === 0) throw new Error(`${name} has no sample`);
  return metrics;
}

function labelsOf(text: string, fail: (why: string) => Error): Record<string, string> {
  const labels: Record<string, string> = {};
  let rest = text;
  while (rest !== '') {
    const [whole, name = '', value = '', comma] = LABEL.exec(rest) ?? [];
    if (whole === undefined || name in labels) throw fail('no label, or one twice');
    labels[name] = unescaped(value);
    rest = rest.slice(whole.length);
    if (comma === ',' && rest === '') throw fail('a comma without a label');
  }
  return labels;
}

function unescaped(text: string): string {
  return text.replace(/\\([\\"n])/g, (_, character: string) => (character === 'n' ? '\n' : character));
}

function numberOf(text: string): number {
  if (text.endsWith('Inf')) return text.startsWith('-') ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
  return Number(text);
}
