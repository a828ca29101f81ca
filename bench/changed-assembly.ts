import { mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LOCAL_STACK } from '../local/synthesize.ts';

export interface ChangeableTemplate {
  readonly Resources: Record<string, { readonly Type: string; readonly Properties: Record<string, unknown> }>;
}

/** A copy of the local stage's assembly with a changed template; everything else is the original's. */
export function changedAssembly(
  assemblyDirectory: string,
  change: (template: ChangeableTemplate) => void,
): { readonly directory: string; remove(): void } {
  const directory = mkdtempSync(join(tmpdir(), 'bench-'));
  const templateFile = `${LOCAL_STACK}.template.json`;
  for (const name of readdirSync(assemblyDirectory)) {
    if (name !== templateFile) symlinkSync(join(assemblyDirectory, name), join(directory, name));
  }
  const template = JSON.parse(readFileSync(join(assemblyDirectory, templateFile), 'utf8')) as ChangeableTemplate;
  change(template);
  writeFileSync(join(directory, templateFile), JSON.stringify(template));
  return { directory, remove: () => rmSync(directory, { recursive: true, force: true }) };
}
