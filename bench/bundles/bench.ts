import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Bench, numberOf } from '../bench.ts';
import { type Figure, figure } from '../figure.ts';
import { type Bundle, bundleAsDeployed, bundleEagerly } from './bundle.ts';
import { loadFresh } from './load.ts';

const ENTRIES = [
  'enrichment/enrich-batch',
  'enrichment/enrich-task',
  'delivery/deliver-batch',
  'delivery/deliver-task',
];
/** Maximum share of the eager bundle's load time. */
const TARGET = 0.35;
const AIMED_AT = 'enrichment/enrich-batch';

export const bench: Bench = {
  about: 'loading each function’s bundle, against one with the warehouse’s SDK whole and at once',
  options: { rounds: { type: 'string', default: '10' } },
  usage: ['--rounds N  how often each bundle is loaded in turn, in a process of its own'],
  async measure(values) {
    const rounds = Math.round(numberOf(values, 'rounds', 1, 1000));
    const directory = mkdtempSync(join(tmpdir(), 'bench-'));
    try {
      const figures: Figure[] = [];
      for (const entry of ENTRIES) figures.push(...(await figuresOf(entry, rounds, directory)));
      return figures;
    } finally {
      rmSync(directory, { recursive: true, force: true });
    }
  },
};

async function figuresOf(entry: string, rounds: number, directory: string): Promise<Figure[]> {
  const ours = bundleAsDeployed(entry, join(directory, entry));
  const eager = await bundleEagerly(entry, directory);
  const chunk = largestChunk(join(directory, entry));
  const oursMs: number[] = [];
  const eagerMs: number[] = [];
  const chunkMs: number[] = [];
  // The first load of each reads from the disk, later ones from the page cache.
  for (const { file } of [ours, eager]) loadFresh(file);
  for (let round = 0; round < rounds; round += 1) {
    const inTurn: (readonly [Bundle, number[]])[] = [
      [ours, oursMs],
      [eager, eagerMs],
    ];
    for (const [{ file }, times] of round % 2 === 0 ? inTurn : inTurn.toReversed())
      times.push(loadFresh(file).elapsedMs);
    if (entry === AIMED_AT) chunkMs.push(loadFresh(ours.file, chunk).thenMs);
  }
  const name = `bundles.${entry.split('/')[1]?.replaceAll('-', '_')}`;
  const target = { of: 'ratio', is: 'at most', bound: TARGET } as const;
  return [
    figure({
      name: `${name}.load`,
      unit: 'ms',
      values: oursMs,
      baseline: { name: 'eager and whole', values: eagerMs },
      ...(entry === AIMED_AT && { target }),
    }),
    figure({
      name: `${name}.size`,
      unit: 'KB',
      values: [ours.bytes / 1024],
      baseline: { name: 'eager and whole', values: [eager.bytes / 1024] },
    }),
    ...(entry === AIMED_AT ? [figure({ name: `${name}.first_miss`, unit: 'ms', values: chunkMs })] : []),
  ];
}

/** The chunk with the Snowflake SDK, if there is one. */
function largestChunk(directory: string): string {
  const files = readdirSync(join(directory, 'chunks')).map((name) => join(directory, 'chunks', name));
  return files.toSorted((one, other) => statSync(other).size - statSync(one).size)[0] as string;
}
