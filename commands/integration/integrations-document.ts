import * as z from 'zod';
import { type Integration, integrationSchema, integrationsDocumentSchema } from '../../lambdas/partners/integration.ts';
import {
  definitionOfFormat,
  PAYLOAD_FORMATS,
  type PayloadFormat,
} from '../../lambdas/partners/payload-formats/payload-formats.ts';
import { isRecord } from '../../lambdas/shared/json.ts';
import { CommandFailed } from '../shared/failures.ts';

type Fields = Readonly<Record<string, unknown>>;

/**
 * The integrations document as it was written. It is edited as values, never read through the schema and written again:
 * that would add defaults to every entry, and drop what a newer version of this program put there.
 */
export interface IntegrationsDocument {
  readonly fields: Fields;
  /** The list `integrations` of `fields`, unchecked. */
  readonly entries: readonly unknown[];
}

/** @param file where it was read from; undefined where it is deployed @throws CommandFailed where the text is no such document */
export function readDocument(text: string, file?: string): IntegrationsDocument {
  const named = file === undefined ? 'the integrations document' : `the integrations document ${file}`;
  const document = parseJson(text, named);
  if (!isRecord(document)) throw new CommandFailed(`${named} is not a JSON object`);
  const { integrations } = document;
  if (!Array.isArray(integrations)) throw new CommandFailed(`${named} has no list "integrations"`);
  return { fields: document, entries: integrations };
}

export function writeDocument({ fields, entries }: IntegrationsDocument): string {
  return `${JSON.stringify({ ...fields, integrations: entries }, undefined, 2)}\n`;
}

/** The ids in it, of faulty entries too. */
export function idsOf({ entries }: IntegrationsDocument): string[] {
  return entries.flatMap((entry) => idOf(entry) ?? []);
}

/** @throws CommandFailed where the id is unknown; it lists those that exist */
export function entryOf(document: IntegrationsDocument, id: string): Fields {
  const entry = document.entries.find((candidate) => idOf(candidate) === id);
  if (isRecord(entry)) return entry;
  const ids = idsOf(document);
  const known = ids.length === 0 ? 'there are none yet' : `there are ${ids.join(', ')}`;
  throw new CommandFailed(`no integration has the id ${id}: ${known}`);
}

/** @throws CommandFailed where the id is taken */
export function withNewEntry(document: IntegrationsDocument, entry: Fields): IntegrationsDocument {
  const id = idOf(entry);
  if (id !== undefined && idsOf(document).includes(id)) {
    throw new CommandFailed(`there is an integration ${id} already: choose another id, or change its entry`);
  }
  return { ...document, entries: [...document.entries, entry] };
}

/** Changes fields of the one entry and leaves all else as it is. @throws CommandFailed where the id is unknown */
export function withChangedEntry(document: IntegrationsDocument, id: string, changes: Fields): IntegrationsDocument {
  const entry = entryOf(document, id);
  const entries = document.entries.map((candidate) => (candidate === entry ? { ...entry, ...changes } : candidate));
  return { ...document, entries };
}

/** Pauses all integrations together, or ends that; one that is paused by itself stays paused. */
export function withAllPaused(document: IntegrationsDocument, paused: boolean): IntegrationsDocument {
  return { ...document, fields: { ...document.fields, paused } };
}

export type ReadEntry =
  | { readonly integration: Integration }
  /** Messages, each with the path in the entry; values are not repeated. */
  | { readonly faults: readonly string[] };

export function readEntry(entry: unknown): ReadEntry {
  const result = integrationSchema.safeParse(entry);
  return result.success ? { integration: result.data } : { faults: faultsOf(result.error.issues) };
}

/**
 * Every fault of one entry, with its path in the entry. An option of another payload format is a fault here only: the
 * pipeline ignores it, so that a change of the format does not stop an integration. So is a contact that is listed twice.
 */
export function entryFaults(entry: unknown): string[] {
  const read = readEntry(entry);
  const { payload_format: format = PAYLOAD_FORMATS[0], ...fields } = isRecord(entry) ? entry : {};
  const others = PAYLOAD_FORMATS.filter((one) => one !== format).flatMap((one) =>
    Object.keys(definitionOfFormat(one).options ?? {})
      .filter((option) => Object.hasOwn(fields, option))
      .map((option) => `${option}: is an option of ${one}, and the payload_format is ${format}`),
  );
  const own = 'faults' in read ? read.faults : repeatedContacts(read.integration);
  return [...own, ...(isPayloadFormat(format) ? others : [])];
}

function repeatedContacts({ contacts }: Integration): string[] {
  const addresses = contacts.map((contact) => contact.toLowerCase());
  const repeated = [...addresses.keys()].filter((index) => addresses.indexOf(addresses[index] ?? '') < index);
  return repeated.map((index) => `contacts.${index}: is listed twice`);
}

function isPayloadFormat(format: unknown): format is PayloadFormat {
  return PAYLOAD_FORMATS.some((one) => one === format);
}

const aroundEntries = integrationsDocumentSchema.extend({
  integrations: z.array(z.unknown()).max(2000),
});

/** Every fault of the document, by path; an entry's with its id. */
export function documentFaults(document: IntegrationsDocument): string[] {
  const around = aroundEntries.safeParse({ ...document.fields, integrations: document.entries });
  const faults = around.success ? [] : faultsOf(around.error.issues);
  const taken = new Set<string>();
  for (const [index, entry] of document.entries.entries()) {
    const id = idOf(entry);
    const own = entryFaults(entry);
    if (id !== undefined && taken.has(id)) own.push('id: is taken by an earlier entry');
    if (id !== undefined) taken.add(id);
    faults.push(...own.map((fault) => `integrations.${index}.${fault}${id === undefined ? '' : ` (${id})`}`));
  }
  return faults;
}

/**
 * Issues as `path: message`. Of a union, those of the form that has the fewest. Of a text where a list belongs only that:
 * Zod compares its length with the list's limit as well.
 */
function faultsOf(issues: readonly z.core.$ZodIssue[], above: readonly PropertyKey[] = []): string[] {
  const ofWrongType = new Set(issues.filter(({ code }) => code === 'invalid_type').map(({ path }) => path.join('.')));
  return issues.flatMap((issue) => {
    if (issue.code === 'too_big' && ofWrongType.has(issue.path.join('.'))) return [];
    const path = [...above, ...issue.path];
    const forms = issue.code === 'invalid_union' ? [...issue.errors] : [];
    const [nearest] = forms.sort((one, other) => one.length - other.length);
    if (nearest !== undefined && nearest.length > 0) return faultsOf(nearest, path);
    return [`${path.map(String).join('.') || 'as a whole'}: ${issue.message}`];
  });
}

function idOf(entry: unknown): string | undefined {
  return isRecord(entry) && typeof entry.id === 'string' ? entry.id : undefined;
}

function parseJson(text: string, named: string): unknown {
  try {
    return JSON.parse(text);
  } catch (thrown) {
    throw new CommandFailed(`${named} is not JSON: ${(thrown as Error).message}`);
  }
}
