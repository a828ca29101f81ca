import { isRecord, parseJson } from '../../lambdas/shared/json.ts';
import type { Context } from '../shared/context.ts';
import { awsFailure, CommandFailed, whereOf } from '../shared/failures.ts';
import { counted } from '../shared/format.ts';
import { readTextFile } from '../shared/read-file.ts';
import { type Stage, StageNotRunning } from '../shared/stage.ts';
import { subscribeContacts } from './contacts.ts';
import {
  documentFaults,
  entryFaults,
  type IntegrationsDocument,
  readDocument,
  readEntry,
} from './integrations-document.ts';
import { readSource } from './integrations-source.ts';
import { readSecretState } from './secret-state.ts';

export interface ValidateOptions {
  /** Undefined: the local one, if it runs. */
  readonly stage?: string | undefined;
  readonly file?: string | undefined;
  readonly json?: true | undefined;
}

/**
 * `integration validate`: every fault of a document or of one entry, and of the secrets they need. Subscribes the contacts of
 * a deployed document.
 */
export async function validate(options: ValidateOptions, context: Context): Promise<number> {
  const { print } = context.terminal;
  const { document, faults, from } = await readGiven(options, context);
  const stage = await reachableStage(options, context);
  const secrets = stage === undefined ? NO_SECRETS : await judgeSecrets(document, stage, context.now());
  const isDeployed = options.file === undefined;
  const contacts = isDeployed && stage !== undefined ? await subscribeAll(document, stage) : NO_SECRETS;
  const found = [...faults, ...secrets.faults, ...contacts.faults];
  const notices = [...secrets.notices, ...contacts.notices];
  const { warnings } = secrets;
  const isValid = found.length === 0;
  if (options.json) {
    print(
      JSON.stringify({
        from,
        is_valid: isValid,
        are_secrets_read: stage !== undefined,
        faults: found,
        notices,
        warnings,
      }),
    );
    return isValid ? 0 : 1;
  }
  print(from);
  for (const line of [...found, ...notices]) print(`  ${line}`);
  for (const warning of warnings) print(`  warning: ${warning}`);
  if (stage === undefined) print('The secrets were not checked: no platform is running.');
  const what = stage === undefined ? 'entries' : 'entries and secrets';
  print(isValid ? `All ${what} fit.` : `${counted(found.length, 'fault')}.`);
  return isValid ? 0 : 1;
}

/** Makes the subscriptions of contacts those of the deployed document; a document on disk changes none. */
async function subscribeAll(document: IntegrationsDocument, stage: Stage): Promise<typeof NO_SECRETS> {
  try {
    return { ...NO_SECRETS, notices: await subscribeContacts(document, stage) };
  } catch (thrown) {
    const reason = thrown instanceof CommandFailed ? thrown.message : awsFailure(thrown, whereOf(stage.name));
    if (reason === undefined) throw thrown;
    return { ...NO_SECRETS, faults: [`contacts: ${reason}`] };
  }
}

interface Given {
  readonly document: IntegrationsDocument;
  readonly faults: readonly string[];
  readonly from: string;
}

async function readGiven(options: ValidateOptions, context: Context): Promise<Given> {
  const { file } = options;
  if (file === undefined) {
    const { document, from } = await readSource({ stage: options.stage ?? 'local' }, context);
    return { document, faults: documentFaults(document), from };
  }
  const text = readTextFile(file);
  const entry = entryOfText(text);
  if (entry === undefined) {
    const document = readDocument(text, file);
    return { document, faults: documentFaults(document), from: `document ${file}` };
  }
  const document = { fields: {}, entries: [entry] };
  return { document, faults: entryFaults(entry), from: `entry ${file}` };
}

/** One entry by itself: an object with a `url` or `id`, and without a list of integrations. */
function entryOfText(text: string): object | undefined {
  const value = parseJson(text);
  return isRecord(value) && !('integrations' in value) && ('url' in value || 'id' in value) ? value : undefined;
}

/** The local platform need not run where only a file is to be read; a stage that is named has to be there. */
async function reachableStage({ stage, file }: ValidateOptions, context: Context): Promise<Stage | undefined> {
  try {
    return await context.openStage(stage ?? 'local');
  } catch (thrown) {
    if (thrown instanceof StageNotRunning && file !== undefined && stage === undefined) return undefined;
    throw thrown;
  }
}

interface JudgedSecrets {
  readonly faults: readonly string[];
  /** What is no fault, and needs no operator: when signing secrets end. */
  readonly notices: readonly string[];
  /** What will be a fault soon: client certificates that expire. */
  readonly warnings: readonly string[];
}

const NO_SECRETS: JudgedSecrets = { faults: [], notices: [], warnings: [] };

async function judgeSecrets(document: IntegrationsDocument, stage: Stage, nowMs: number): Promise<JudgedSecrets> {
  const faults: string[] = [];
  const notices: string[] = [];
  const warnings: string[] = [];
  for (const entry of document.entries) {
    const read = readEntry(entry);
    if ('faults' in read) continue;
    const state = await readSecretState(stage, read.integration, nowMs);
    if (state.fault !== null) faults.push(state.fault);
    notices.push(...state.notices);
    if (state.warning !== null) warnings.push(state.warning);
  }
  return { faults, notices, warnings };
}
