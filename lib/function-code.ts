import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { globSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { AssetHashType } from 'aws-cdk-lib';
import { type AssetCode, Code, Runtime } from 'aws-cdk-lib/aws-lambda';
import type { Network } from './network.ts';
import type { Stage } from './stage-schema.ts';

const ROOT = join(import.meta.dirname, '..');
const SOURCES = join(ROOT, 'lambdas');
const BUNDLER = join(import.meta.dirname, 'bundle-functions.ts');
const BUNDLE_OPTIONS = join(import.meta.dirname, 'bundle-options.ts');

/** A function's construct id: `EnrichBatch` is `enrich-batch.ts` in the code base's folder, and `enrichBatch` in the stage. */
export type FunctionName = Capitalize<keyof Stage['functions']>;

/** The functions of one folder of `lambdas/`: one asset, with a file for each function. */
export interface CodeBase {
  readonly stage: Stage;
  readonly network: Network;
  /** The folder, which is also the `service` of log lines and metrics. */
  readonly name: string;
  readonly code: AssetCode;
}

/** Bundles the code of these functions. */
export function codeBase(stage: Stage, network: Network, name: string, functions: readonly FunctionName[]): CodeBase {
  const entries = functions.map(entryOf);
  const code = Code.fromAsset(SOURCES, {
    // A hash of the sources, so that a synthesis without changes does not bundle.
    assetHashType: AssetHashType.CUSTOM,
    assetHash: sourceHash(name, entries),
    bundling: {
      // CDK requires an image. It is never started, since local bundling always returns true.
      image: Runtime.NODEJS_24_X.bundlingImage,
      local: {
        tryBundle(outputDirectory) {
          bundle(name, entries, outputDirectory);
          return true;
        },
      },
    },
  });
  return { stage, network, name, code };
}

/** The handler's file, without `.ts`. */
export function entryOf(name: FunctionName): string {
  return name.replace(/\B[A-Z]/g, '-$&').toLowerCase();
}

/** Bundles in a child process: esbuild's synchronous API takes no plugins, and `tryBundle` is synchronous. */
function bundle(folder: string, entries: readonly string[], outputDirectory: string): void {
  const files = entries.map((entry) => join(SOURCES, folder, `${entry}.ts`));
  execFileSync(process.execPath, [BUNDLER, outputDirectory, ...files], {
    cwd: ROOT,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
}

/** Covers all input of the bundle: sources, locked dependencies, bundler. */
function sourceHash(folder: string, entries: readonly string[]): string {
  const files = [
    ...globSync('lambdas/**/*.ts', { cwd: ROOT }).sort(),
    'package-lock.json',
    ...[BUNDLER, BUNDLE_OPTIONS].map((path) => relative(ROOT, path)),
  ];
  const hash = createHash('sha256').update(JSON.stringify([folder, entries]));
  for (const file of files) hash.update(`\0${file}\0`).update(readFileSync(join(ROOT, file)));
  return hash.digest('hex');
}
