import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';

const DIRECTORY = join(import.meta.dirname, '../conformance/jdk');
const JARS = join(DIRECTORY, 'target/dependency');

/** Maven loads two megabytes where its own cache is empty, and 51 for DynamoDB Local. */
const MAVEN_TIMEOUT_MS = 240_000;
const JAVA_TIMEOUT_MS = 120_000;

export const JDK_ENGINES = ['everit', 'everit with RE2', 'networknt'] as const;

/** What an engine says: of each document whether its schema takes it, or why it does not load the schema. */
export type Verdict = { readonly accepted: readonly boolean[] } | { readonly refused: string };
export type Verdicts = Readonly<Record<(typeof JDK_ENGINES)[number], Verdict>>;

export interface SchemaCase {
  /** JSON text of a draft-04 schema. */
  readonly schema: string;
  /** JSON texts. */
  readonly documents: readonly string[];
}

/** Why the engines cannot run here; undefined where they can. Loads them with Maven at the first call. */
export function missingJdkEngines(): string | undefined {
  return missingJars(DIRECTORY);
}

/** Why a directory's Java program cannot run here; undefined where it can. Loads what its `pom.xml` names. */
export function missingJars(directory: string): string | undefined {
  const [pom, jars] = [join(directory, 'pom.xml'), join(directory, 'target/dependency')];
  const java = spawnSync('javac', ['-version'], { encoding: 'utf8' });
  if (java.error !== undefined) return 'no JDK: there is no javac';
  const isLoaded = existsSync(jars) && readdirSync(jars).length > 0 && statSync(jars).mtimeMs > statSync(pom).mtimeMs;
  if (isLoaded) return undefined;
  const words = ['-q', '-B', '-f', pom, 'clean', 'dependency:copy-dependencies'];
  const { error, status, stdout } = spawnSync('mvn', words, { encoding: 'utf8', timeout: MAVEN_TIMEOUT_MS });
  if (error !== undefined) return `no Maven: ${error.message}`;
  return status === 0 ? undefined : `Maven does not load it: ${stdout.trim().split('\n')[0]}`;
}

/** @throws Error where the program that asks the engines fails */
export function verdictsOf(cases: readonly SchemaCase[]): readonly Verdicts[] {
  const words = ['-cp', join(JARS, '*'), join(DIRECTORY, 'SchemaVerdicts.java')];
  const { error, status, stdout, stderr } = spawnSync('java', words, {
    input: JSON.stringify(cases),
    encoding: 'utf8',
    timeout: JAVA_TIMEOUT_MS,
    maxBuffer: 64 * 1024 * 1024,
  });
  if (error !== undefined) throw error;
  if (status !== 0) throw new Error(`SchemaVerdicts ends with ${status}: ${stderr}`);
  return JSON.parse(stdout) as Verdicts[];
}
