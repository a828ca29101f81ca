import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { Stage } from '../../lib/stage-schema.ts';
import { LOCAL_ASSEMBLY, LOCAL_STACK } from '../../local/synthesize.ts';
import { synthesizeStage } from './synthesized-stack.ts';

/**
 * An assembly of the stage `local` with other settings, with the functions that `npm test` has bundled for it: what a
 * function's code is named by does not depend on the stage.
 */
export function writeLocalAssembly(stage: Stage): { readonly directory: string; remove(): void } {
  const directory = mkdtempSync(join(tmpdir(), 'local-assembly-'));
  const manifest = JSON.parse(readFileSync(join(LOCAL_ASSEMBLY, `${LOCAL_STACK}.assets.json`), 'utf8'));
  for (const { source } of Object.values<{ source: { path: string } }>(manifest.files)) {
    source.path = resolve(LOCAL_ASSEMBLY, source.path);
  }
  writeFileSync(join(directory, `${LOCAL_STACK}.assets.json`), JSON.stringify(manifest));
  writeFileSync(join(directory, `${LOCAL_STACK}.template.json`), JSON.stringify(synthesizeStage(stage)));
  return { directory, remove: () => rmSync(directory, { recursive: true, force: true }) };
}
