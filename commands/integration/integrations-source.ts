import type { Context } from '../shared/context.ts';
import { CommandFailed } from '../shared/failures.ts';
import { readTextFile } from '../shared/read-file.ts';
import { StageNotRunning } from '../shared/stage.ts';
import { readDeployedIntegrations } from './deployed-integrations.ts';
import { type IntegrationsDocument, readDocument } from './integrations-document.ts';

export interface SourceOptions {
  readonly stage: string;
  /** A document on disk, instead. */
  readonly file?: string | undefined;
}

export interface Source {
  readonly document: IntegrationsDocument;
  /** Where it comes from, in words. */
  readonly from: string;
}

/** The document that a command only reads: of a stage, or on disk. @throws CommandFailed */
export async function readSource({ stage: stageName, file }: SourceOptions, context: Context): Promise<Source> {
  if (file !== undefined) return { document: readDocument(readTextFile(file), file), from: `file ${file}` };
  const stage = await context.openStage(stageName).catch((thrown: unknown) => {
    if (!(thrown instanceof StageNotRunning)) throw thrown;
    throw new CommandFailed(`${thrown.message}; --file FILE reads a document on disk instead`);
  });
  const { document, version, deployment, state } = await readDeployedIntegrations(stage);
  return { document, from: `stage ${stage.name}, version ${version}, deployment ${deployment} (${state})` };
}
