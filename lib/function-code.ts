import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { globSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { AssetHashType } from 'aws-cdk-lib';
import { type AssetCode, Code, Runtime } from 'aws-cdk-lib/aws-lambda';

const ROOT = join(import.meta.dirname, '..');
const SOURCES = join(ROOT, 'lambdas');
const BUNDLER = join(import.meta.dirname, 'bundle-functions.ts');
const BUNDLE_OPTIONS = join(import.meta.dirname, 'bundle-options.ts');

/** Folders of `lambdas/` that hold functions. */
export type CodeBase = 'enrichment' | 'delivery' | 'operations' | 'status';

/**
 * The bundled code of one code base, with one file for each entry: one asset, for all functions made from it.
 *
 * @param entries handler files of the code base, without `.ts`
 */
export function functionCode(codeBase: CodeBase, entries: readonly string[]): AssetCode {
  return Code.fromAsset(SOURCES, {
    // The hash is known before anything is bundled, so that a synth without changes bundles nothing.
    assetHashType: AssetHashType.CUSTOM,
    assetHash: sourceHash(codeBase, entries),
    bundling: {
      // CDK asks for an image; it is never started, since the local bundling below does not decline.
      image: Runtime.NODEJS_24_X.bundlingImage,
      local: {
        tryBundle(outputDirectory) {
          bundle(codeBase, entries, outputDirectory);
          return true;
        },
      },
    },
  });
}

/** Runs the bundler as a process: esbuild takes plugins only asynchronously, and CDK does not wait. */
function bundle(codeBase: CodeBase, entries: readonly string[], outputDirectory: string): void {
  const files = entries.map((entry) => join(SOURCES, codeBase, `${entry}.ts`));
  execFileSync(process.execPath, [BUNDLER, outputDirectory, ...files], {
    cwd: ROOT,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
}

/** Over all that the bundle is made from: the sources, the locked dependencies, the way it is made. */
function sourceHash(codeBase: CodeBase, entries: readonly string[]): string {
  const files = [
    ...globSync('lambdas/**/*.ts', { cwd: ROOT }).sort(),
    'package-lock.json',
    ...[BUNDLER, BUNDLE_OPTIONS].map((path) => relative(ROOT, path)),
  ];
  const hash = createHash('sha256').update(JSON.stringify([codeBase, entries]));
  for (const file of files) hash.update(`\0${file}\0`).update(readFileSync(join(ROOT, file)));
  return hash.digest('hex');
}
