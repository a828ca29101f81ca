import type { Integration } from '../../lambdas/partners/integration.ts';
import { isRecord } from '../../lambdas/shared/json.ts';
import type { Context } from '../shared/context.ts';
import { alignColumns } from '../shared/format.ts';
import { documentFaults, type IntegrationsDocument, readEntry } from './integrations-document.ts';
import { readSource, type SourceOptions } from './integrations-source.ts';

export interface ListOptions extends SourceOptions {
  readonly json?: true | undefined;
}

/** `integration list`: the entries of the document, and its faults. */
export async function list(options: ListOptions, context: Context): Promise<number> {
  const { document, from } = await readSource(options, context);
  const { print } = context.terminal;
  if (options.json) {
    print(JSON.stringify({ from, ...listedDocument(document) }));
    return 0;
  }
  print(from);
  if (document.fields.paused === true) {
    const where = options.file === undefined ? ` --stage ${options.stage}` : '';
    print(`All integrations are paused: "./ltw integration resume --all${where}" ends it.`);
  }
  print(document.entries.length === 0 ? 'No integrations yet.' : alignColumns(rowsOf(document)));
  const faults = documentFaults(document);
  if (faults.length > 0) print(`\nWhat does not fit:\n${faults.map((fault) => `  ${fault}`).join('\n')}`);
  return 0;
}

const HEADING = ['id', 'state', 'host', 'auth', 'format', 'limit', 'receives'];

function rowsOf(document: IntegrationsDocument): string[][] {
  const isAllPaused = document.fields.paused === true;
  const rows = document.entries.map((entry) => {
    const read = readEntry(entry);
    if ('integration' in read) return rowOf(read.integration, isAllPaused);
    const id = isRecord(entry) ? String(entry.id ?? '-') : '-';
    return [id, 'faulty', '-', '-', '-', '-', '-'];
  });
  return [HEADING, ...rows];
}

/** The JSON document of the list: what the table shows. */
export function listedDocument(document: IntegrationsDocument) {
  const isAllPaused = document.fields.paused === true;
  return {
    is_all_paused: isAllPaused,
    integrations: document.entries.map((entry) => fieldsOf(entry, isAllPaused)),
    faults: documentFaults(document),
  };
}

function fieldsOf(entry: unknown, isAllPaused: boolean) {
  const read = readEntry(entry);
  if ('faults' in read) return { id: isRecord(entry) ? (entry.id ?? null) : null, state: 'faulty' } as const;
  const { id, url, auth, payload_format, max_requests_per_minute, event_types, enterprise_customer_uuid } =
    read.integration;
  return {
    ...{ id, state: stateOf(read.integration, isAllPaused), host: new URL(url).host, auth: auth.type, payload_format },
    ...{ max_requests_per_minute, event_types, enterprise_customer_uuid, region: read.integration.region },
  };
}

function stateOf({ active, paused }: Integration, isAllPaused: boolean): 'active' | 'paused' | 'off' {
  if (!active) return 'off';
  return paused || isAllPaused ? 'paused' : 'active';
}

function rowOf(integration: Integration, isAllPaused: boolean): string[] {
  const { id, url, auth, payload_format, max_requests_per_minute: limit } = integration;
  return [
    id,
    stateOf(integration, isAllPaused),
    new URL(url).host,
    auth.type,
    payload_format,
    limit === undefined ? '-' : `${limit}/min`,
    receives(integration),
  ];
}

function receives({ enterprise_customer_uuid: enterprise, region, event_types: types }: Integration): string {
  const whose = enterprise === undefined ? 'by id' : `${region} of ${enterprise}`;
  return types === undefined ? whose : `${whose}: ${types.join(', ')}`;
}
