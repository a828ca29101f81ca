import { mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findStage } from '../../lib/stage.ts';
import { LOCAL_STACK } from '../../local/synthesize.ts';

interface FunctionsOfTemplate {
  readonly Resources: Record<string, { readonly Type: string; readonly Properties: Record<string, unknown> }>;
}

/**
 * The local stage's assembly with the concurrency that staging reserves for the delivery functions. The local stage
 * reserves none, so tries that hang in the workflow would take the shared queue's function its processes.
 */
export function boundedAssembly(assemblyDirectory: string): { readonly directory: string; remove(): void } {
  const directory = mkdtempSync(join(tmpdir(), 'bench-'));
  const templateFile = `${LOCAL_STACK}.template.json`;
  for (const name of readdirSync(assemblyDirectory)) {
    if (name !== templateFile) symlinkSync(join(assemblyDirectory, name), join(directory, name));
  }
  const template = JSON.parse(readFileSync(join(assemblyDirectory, templateFile), 'utf8')) as FunctionsOfTemplate;
  const { deliverBatch, deliverTask } = findStage('staging').functions;
  const reserved = new Map<unknown, number | undefined>([
    ['deliver-batch.handler', deliverBatch.reservedConcurrency],
    ['deliver-task.handler', deliverTask.reservedConcurrency],
  ]);
  for (const { Type, Properties } of Object.values(template.Resources)) {
    const concurrency = Type === 'AWS::Lambda::Function' ? reserved.get(Properties.Handler) : undefined;
    if (concurrency !== undefined) Properties.ReservedConcurrentExecutions = concurrency;
  }
  writeFileSync(join(directory, templateFile), JSON.stringify(template));
  return { directory, remove: () => rmSync(directory, { recursive: true, force: true }) };
}
