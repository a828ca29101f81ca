import { existsSync, readFileSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { findMutants, hash, type Mutant, placeMutant } from './mutation-points.ts';
import { describeTest, type FailedTest, PROCESS_SUITES } from './run-jest.ts';
import { appendRecord, onInterrupt, ROOT, readRecords, treeId } from './run-program.ts';
import { ScratchCopy } from './scratch-copy.ts';

const HELP = `npm run mutants -- [--seed N] [--count N] [--show] [--tests DIRECTORY] [--jobs 1|2] [--no-suite] [--no-types] [--state FILE]

Changes one place of lambdas/ or lib/ at a time, in a copy of the repository, and reports which test fails.
  --seed N            which mutants (default 1)
  --count N           how many (default 60)
  --show              lists them, and runs nothing
  --tests DIRECTORY   judges the same mutants by the tests of another checkout
  --jobs 1|2          copies that work in parallel
  --no-suite          only the related tests: survivors do not go to the whole suite
  --no-types          does not replace the mutants that tsc refuses
  --state FILE        progress, JSON lines (default cdk.out/mutants.jsonl)
A call with the same files continues where the last one ended.`;
const RELATED_TIMEOUT_MS = 300_000;
/** After this many runs that said nothing, the whole suite decides. */
const RELATED_TURNS = 5;
const SUITE_TIMEOUT_MS = 45 * 60_000;
/** Bisecting runs only this many of the files that failed. */
const BISECT_FILES = 4;

type State = 'killed-by-related' | 'killed-by-suite' | 'timeout' | 'related-passed' | 'survived' | 'not-placed';
type Verdict = { kind: 'verdict'; key: string; state: State; by?: string };
type Types = { kind: 'types'; key: string; valid: boolean };
/** Whether a test file is green without a mutant. What is not says nothing about one. */
type Unchanged = { kind: 'unchanged'; key: string; file: string; green: boolean };

const { values: options } = parseArgs({
  options: {
    seed: { type: 'string', default: '1' },
    count: { type: 'string', default: '60' },
    jobs: { type: 'string', default: '1' },
    tests: { type: 'string', default: ROOT },
    state: { type: 'string', default: join(ROOT, 'cdk.out/mutants.jsonl') },
    show: { type: 'boolean' },
    'no-suite': { type: 'boolean' },
    'no-types': { type: 'boolean' },
    help: { type: 'boolean' },
  },
});
if (options.help) {
  console.log(HELP);
  process.exit(0);
}
const count = Number(options.count);
const jobs = options.jobs === '2' ? 2 : 1;
const tests = resolve(options.tests);
const candidates = findMutants(ROOT, options.seed);
const titleOf = ({ id, file, line, column, operator, before, after }: Mutant) => {
  const short = (text: string) => (text.length > 60 ? `${text.slice(0, 59)}…` : text).replaceAll(/\s+/g, ' ');
  return `${id} ${file}:${line}:${column} ${operator}: ${short(before)} → ${short(after)}`;
};
if (options.show) {
  for (const mutant of candidates.slice(0, count)) console.log(titleOf(mutant));
  process.exit(0);
}

const records = readRecords<Verdict | Types | Unchanged>(options.state);
const verdicts = new Map(records.flatMap((record) => (record.kind === 'verdict' ? [[record.key, record]] : [])));
const checked = new Map(records.flatMap((record) => (record.kind === 'types' ? [[record.key, record.valid]] : [])));
const copies: ScratchCopy[] = [];
onInterrupt(() => {
  for (const copy of copies) copy.remove();
  console.log('\ninterrupted: the same command continues');
});
process.on('exit', () => {
  for (const copy of copies) copy.remove();
});

function copyOf(checkout: string): ScratchCopy {
  const copy = new ScratchCopy(checkout);
  copies.push(copy);
  return copy;
}

const sourceKey = hash(...candidates.map(({ id }) => id).sort());
const testsKey = treeId(tests);
const verdictKey = ({ file, start, before, after }: Mutant) => hash(testsKey, file, String(start), before, after);

function settle(mutant: Mutant, state: State, by?: string): void {
  const record: Verdict = { kind: 'verdict', key: verdictKey(mutant), state, ...(by === undefined ? {} : { by }) };
  verdicts.set(record.key, record);
  appendRecord(options.state, { ...record, mutant: titleOf(mutant) });
  console.log(`${state}${by === undefined ? '' : ` (${by})`}: ${titleOf(mutant)}`);
}

/** The first mutants, in the seed's order, whose types are valid. */
async function chooseMutants(): Promise<Mutant[]> {
  if (options['no-types']) return candidates.slice(0, count);
  const chosen: Mutant[] = [];
  let copy: ScratchCopy | undefined;
  for (const mutant of candidates) {
    if (chosen.length === count) break;
    const key = hash(sourceKey, mutant.id);
    let valid = checked.get(key);
    if (valid === undefined) {
      copy ??= copyOf(ROOT);
      const there = copy;
      valid = await there.with([mutant], () => there.typesAreValid());
      appendRecord(options.state, { kind: 'types', key, valid } satisfies Types);
    }
    if (valid) chosen.push(mutant);
    else console.log(`invalid: ${titleOf(mutant)}`);
  }
  copy?.remove();
  return chosen;
}

/** Where the mutants are in the checkout whose tests judge them. */
function placeMutants(mutants: readonly Mutant[]): Mutant[] {
  return mutants.flatMap((mutant) => {
    const target = join(tests, mutant.file);
    const source = readFileSync(join(ROOT, mutant.file), 'utf8');
    const placed = existsSync(target) ? placeMutant(mutant, source, readFileSync(target, 'utf8')) : undefined;
    if (placed === undefined) console.log(`not-placed: ${titleOf(mutant)}`);
    return placed ?? [];
  });
}

const unchanged = new Map<string, boolean>();
for (const record of records) {
  if (record.kind === 'unchanged' && record.key === testsKey) unchanged.set(record.file, record.green);
}
const redUnchanged = () => [...unchanged].flatMap(([file, green]) => (green ? [] : [file]));

/** Runs the test files that failed without a mutant, once each. */
async function runUnchanged(copy: ScratchCopy, failed: readonly FailedTest[]): Promise<void> {
  const files = filesOf(failed).filter((file) => !unchanged.has(file));
  if (files.length === 0) return;
  if (files.some((file) => PROCESS_SUITES.some((path) => file.startsWith(path)))) await copy.synthesize();
  const red = filesOf((await copy.jest(['--runTestsByPath', ...files], SUITE_TIMEOUT_MS)).failed);
  for (const file of files) {
    const green = !red.includes(file);
    unchanged.set(file, green);
    appendRecord(options.state, { kind: 'unchanged', key: testsKey, file, green } satisfies Unchanged);
    if (!green) console.log(`left out, red without a mutant: ${file}`);
  }
}

const filesOf = (failed: readonly FailedTest[]) => [...new Set(failed.map(({ file }) => file))].filter(Boolean);
const ignoring = (paths: readonly string[]) =>
  ['/node_modules/', '<rootDir>/test/conformance/', ...paths.map((path) => `<rootDir>/${path}`)].map(
    (path) => `--testPathIgnorePatterns=${path}`,
  );

async function runRelated(copy: ScratchCopy, mutant: Mutant, turns = RELATED_TURNS): Promise<void> {
  const args = ['--findRelatedTests', mutant.file, '--bail', ...ignoring([...PROCESS_SUITES, ...redUnchanged()])];
  if (jobs === 2) args.push('--maxWorkers=1');
  const run = await copy.with([mutant], () => copy.jestTwice(args, RELATED_TIMEOUT_MS));
  if (run.green) return settle(mutant, 'related-passed');
  if (run.timedOut) return settle(mutant, 'timeout');
  await runUnchanged(copy, run.failed);
  const first = run.failed.find(({ file }) => unchanged.get(file) !== false);
  if (first !== undefined) return settle(mutant, 'killed-by-related', describeTest(first));
  // The run ended at a test that fails at times, or at a file that is red without the mutant: the next run leaves it out.
  if (turns === 1) return settle(mutant, 'related-passed');
  return runRelated(copy, mutant, turns - 1);
}

/** Runs test files, or the whole suite, with all of the mutants at once. Without a first failure none is detected. */
async function runTogether(copy: ScratchCopy, mutants: readonly Mutant[], files: readonly string[]) {
  const run = await copy.with(mutants, async () => {
    if (!(await copy.synthesize())) return undefined;
    const args = files.length > 0 ? ['--runTestsByPath', ...files] : ignoring(redUnchanged());
    return copy.jestTwice(args, SUITE_TIMEOUT_MS);
  });
  if (run === undefined) return { first: 'npm run synth:local', files: [], timedOut: false };
  await runUnchanged(copy, run.failed);
  const failed = run.failed.filter(({ file }) => unchanged.get(file) !== false);
  return { first: failed[0] && describeTest(failed[0]), files: filesOf(failed), timedOut: run.timedOut };
}

/** Settles what the tests detect of mutants that fail together, and returns the others. */
async function bisect(copy: ScratchCopy, mutants: readonly Mutant[], files: readonly string[]) {
  const open: Mutant[] = [];
  const half = Math.ceil(mutants.length / 2);
  for (const part of [mutants.slice(0, half), mutants.slice(half)]) {
    const [only, ...more] = part;
    if (only === undefined) continue;
    const { first, timedOut } = await runTogether(copy, part, files);
    if (first === undefined) open.push(...part);
    else if (more.length > 0) open.push(...(await bisect(copy, part, files)));
    else settle(only, timedOut ? 'timeout' : 'killed-by-suite', first);
  }
  return open;
}

/** The whole suite runs with all survivors at once, until it is green. Survivors may hide each other. */
async function runSuite(copy: ScratchCopy, survivors: readonly Mutant[]): Promise<void> {
  let open = survivors;
  while (open.length > 0) {
    console.log(`running the whole suite with ${open.length} mutants at once`);
    const { first, files } = await runTogether(copy, open, []);
    if (first === undefined) break;
    console.log(`red (${first}): looking for the mutants`);
    const left = await bisect(copy, open, files.slice(0, BISECT_FILES));
    // What failed may pass with half of them: then the whole suite decides.
    if (left.length === open.length) {
      open = await bisect(copy, open, []);
      break;
    }
    open = left;
  }
  for (const mutant of open) settle(mutant, 'survived');
}

/** Mutants that can be applied together: no two of a group change the same text. */
function withoutOverlap(mutants: readonly Mutant[]): Mutant[][] {
  const groups: Mutant[][] = [];
  const overlap = (one: Mutant, other: Mutant) =>
    one.file === other.file &&
    one.start < other.start + other.before.length &&
    other.start < one.start + one.before.length;
  for (const mutant of mutants) {
    const group = groups.find((each) => !each.some((other) => overlap(mutant, other)));
    if (group === undefined) groups.push([mutant]);
    else group.push(mutant);
  }
  return groups;
}

const stateOf = (mutant: Mutant) => verdicts.get(verdictKey(mutant))?.state;
const mutants = await chooseMutants();
const placed = placeMutants(mutants);
const related = placed.filter((mutant) => stateOf(mutant) === undefined);
const isOpen = (mutant: Mutant) => !options['no-suite'] && stateOf(mutant) === 'related-passed';
console.log(`${mutants.length} mutants, ${placed.length - related.length} of them in ${relative('', options.state)}`);
if (related.length > 0 || placed.some(isOpen)) {
  const working = Array.from({ length: jobs }, () => copyOf(tests));
  if (treeId(tests) !== testsKey) throw new Error(`files of ${tests} changed: start again`);
  const [copy] = working;
  if (copy === undefined) throw new Error('no copy');
  for (const each of working) {
    if (!(await each.synthesize())) throw new Error(`npm run synth:local failed: ${readFileSync(each.log, 'utf8')}`);
  }
  const queue = related.values();
  await Promise.all(
    working.map(async (each) => {
      for (const mutant of queue) await runRelated(each, mutant);
    }),
  );
  for (const group of withoutOverlap(placed.filter(isOpen))) await runSuite(copy, group);
}

console.log(
  `\nseed ${options.seed}, ${mutants.length} mutants of ${relative('', ROOT) || '.'}, tests of ${relative('', tests) || '.'}`,
);
const byState = Map.groupBy(mutants, (mutant) => {
  const there = placed.find(({ id }) => id === mutant.id);
  return there === undefined ? 'not-placed' : (stateOf(there) ?? 'not-placed');
});
for (const [state, group] of byState) console.log(`  ${state}: ${group.length}`);
for (const state of ['related-passed', 'survived', 'not-placed'] as const) {
  for (const mutant of byState.get(state) ?? []) console.log(`${state}: ${titleOf(mutant)}`);
}
