import { readFlags, UsageError } from '../local/command-line.ts';
import type { Bench, Values } from './bench.ts';
import { type Figure, formatFigures } from './figure.ts';

/** In the order of a whole run. Loaded on demand, since some import half of the project. */
const BENCHES: Readonly<Record<string, () => Promise<{ readonly bench: Bench }>>> = {
  delivery: () => import('./delivery/bench.ts'),
  ledger: () => import('./ledger/bench.ts'),
  enrichment: () => import('./enrichment/bench.ts'),
  'end-to-end': () => import('./end-to-end/bench.ts'),
  fairness: () => import('./fairness/bench.ts'),
  bundles: () => import('./bundles/bench.ts'),
  queries: () => import('./queries/bench.ts'),
  warming: () => import('./warming/bench.ts'),
};
const JSON_OPTION = { json: { type: 'boolean', default: false } } as const;

async function usage(): Promise<string> {
  const lines = await Promise.all(
    Object.entries(BENCHES).map(async ([name, load]) => {
      const { bench } = await load();
      return [`  ${name.padEnd(12)}${bench.about}`, ...bench.usage.map((line) => `    ${line}`)];
    }),
  );
  return [
    'usage: npm run bench -- [--json]                  all of them, in under ten minutes',
    '       npm run bench -- NAME [options] [--json]   one of them:',
    ...lines.flat(),
    '  --json  one JSON object for each figure, each on a line of its own, and nothing else',
  ].join('\n');
}

async function measure(name: string, args: readonly string[]): Promise<{ figures: readonly Figure[]; json: boolean }> {
  const load = Object.hasOwn(BENCHES, name) ? BENCHES[name] : undefined;
  if (load === undefined) throw new UsageError(`there is no bench ${name}`);
  const { bench } = await load();
  const values: Values & { json?: boolean } = readFlags(args, { ...bench.options, ...JSON_OPTION });
  const figures = await bench.measure(values);
  const json = values.json === true;
  if (json) for (const figure of figures) console.log(JSON.stringify(figure));
  return { figures, json };
}

async function main(words: readonly string[]): Promise<void> {
  const [first = '', ...rest] = words;
  const isOne = first !== '' && !first.startsWith('-');
  if (!isOne) readFlags(words, JSON_OPTION);
  const startedAtMs = performance.now();
  const all: Figure[] = [];
  let isJson = false;
  for (const name of isOne ? [first] : Object.keys(BENCHES)) {
    if (!isOne) console.error(`${name} …`);
    const { figures, json } = await measure(name, isOne ? rest : words);
    all.push(...figures);
    isJson = json;
  }
  if (isJson) return;
  console.log(formatFigures(all));
  if (!isOne) console.log(`\n${((performance.now() - startedAtMs) / 60_000).toFixed(1)} minutes`);
}

try {
  await main(process.argv.slice(2));
} catch (thrown) {
  const isUsage = thrown instanceof UsageError;
  console.error(isUsage ? `${thrown.message}\n${await usage()}` : thrown);
  process.exitCode = isUsage ? 2 : 1;
}
