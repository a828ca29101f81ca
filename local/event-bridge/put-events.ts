import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import { isRecord, parseJson } from '../../lambdas/shared/json.ts';
import { AwsError } from '../control-plane/aws-error.ts';
import type { TargetHandler } from '../control-plane/rest.ts';
import { eventBridgeEvent } from '../lambda/async-invocation.ts';
import type { EventRules } from './event-rules.ts';

/** The prefix of `X-Amz-Target`. */
export const EVENTS_TARGET = 'AWSEvents';

/** Quotas of PutEvents: entries of a request, and bytes of an entry. */
const MAX_ENTRIES = 10;
const MAX_ENTRY_BYTES = 256 * 1024;

const SCHEMA_FILE = join(import.meta.dirname, '../../docs/operational-events/schema.json');

interface Entry {
  readonly EventBusName?: string;
  readonly Source?: string;
  readonly DetailType?: string;
  readonly Detail?: string;
}

/**
 * EventBridge's `PutEvents`. Every event is checked against the published schema, which EventBridge itself does not do: an
 * event that does not fit is a failed entry with the code `SchemaViolation`.
 */
export function eventsApi(rules: Pick<EventRules, 'hasBus' | 'put'>): TargetHandler {
  const validate = new Ajv2020({ strict: false, validateFormats: false }).compile(
    JSON.parse(readFileSync(SCHEMA_FILE, 'utf8')) as object,
  );
  return async (operation, input) => {
    if (operation !== 'PutEvents') throw new AwsError('UnknownOperationException', 400, `no ${operation} here`);
    const { Entries } = input as { readonly Entries?: readonly Entry[] };
    if (Entries === undefined || Entries.length === 0 || Entries.length > MAX_ENTRIES)
      throw new AwsError('ValidationException', 400, `Entries must be 1 to ${MAX_ENTRIES}`);
    const results = Entries.map((entry) => put(entry, rules, validate));
    return { FailedEntryCount: results.filter((result) => 'ErrorCode' in result).length, Entries: results };
  };
}

function put(entry: Entry, rules: Pick<EventRules, 'hasBus' | 'put'>, validate: ValidateFunction) {
  const { EventBusName = 'default', Source = '', DetailType = '', Detail = '' } = entry;
  const detail = parseJson(Detail);
  const failed = (ErrorCode: string, ErrorMessage: string) => ({ ErrorCode, ErrorMessage });
  if (Source === '' || DetailType === '') return failed('InvalidArgument', 'Source and DetailType are required');
  if (!isRecord(detail)) return failed('MalformedDetail', 'Detail is malformed.');
  if (Buffer.byteLength(JSON.stringify(entry)) > MAX_ENTRY_BYTES) return failed('InvalidArgument', 'too large');
  if (!rules.hasBus(EventBusName)) return failed('InvalidArgument', `there is no event bus ${EventBusName}`);
  const event = eventBridgeEvent(Source, DetailType, [], detail);
  if (!validate(event)) return failed('SchemaViolation', JSON.stringify(validate.errors));
  rules.put(event, EventBusName);
  return { EventId: randomUUID() };
}
