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

/** Settings of the events queue's mapping: with a batching window, and without one, which Lambda allows batches of ten. */
export const EVENTS_MAPPINGS = {
  window: { batchSize: 100, windowSeconds: 1 },
  noWindow: { batchSize: 10, windowSeconds: 0 },
} as const;
export type EventsMapping = keyof typeof EVENTS_MAPPINGS;

export function setEventsMapping(template: ChangeableTemplate, name: EventsMapping): void {
  const { batchSize, windowSeconds } = EVENTS_MAPPINGS[name];
  Object.assign(mappingOf(template, 'QueuesEvents'), {
    BatchSize: batchSize,
    MaximumBatchingWindowInSeconds: windowSeconds,
  });
}

/**
 * The properties of a queue's event source mapping.
 *
 * @param queue what its logical id begins with
 * @throws Error if there is none
 */
export function mappingOf({ Resources }: ChangeableTemplate, queue: string): Record<string, unknown> {
  for (const { Type, Properties } of Object.values(Resources)) {
    if (Type !== 'AWS::Lambda::EventSourceMapping') continue;
    const arn = Properties.EventSourceArn as { readonly 'Fn::GetAtt'?: readonly string[] };
    if (arn['Fn::GetAtt']?.[0]?.startsWith(queue)) return Properties;
  }
  throw new Error(`the template has no event source mapping of ${queue}`);
}
