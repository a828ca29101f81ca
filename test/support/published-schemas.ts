import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { schemaFile } from '../../commands/partner-kit/body-schemas.ts';
import type { EventType } from '../../lambdas/events/event-types/event-types.ts';
import type { PayloadFormat } from '../../lambdas/partners/payload-formats/payload-formats.ts';

const DIRECTORY = join(import.meta.dirname, '../../docs/partner/schemas');

/** The text of each published schema, by file name. */
export const PUBLISHED_SCHEMAS: ReadonlyMap<string, string> = new Map(
  readdirSync(DIRECTORY)
    .toSorted()
    .map((name) => [name, readFileSync(join(DIRECTORY, name), 'utf8')]),
);

// Patterns decide: partners' engines may ignore formats.
const ajv = new Ajv2020({ allErrors: true, validateFormats: false });

/**
 * Why a body does not fit its published schema; an empty list if it fits.
 *
 * @param part one of its definitions, instead of the whole schema
 */
export function schemaFaults(
  type: EventType,
  format: PayloadFormat,
  body: string,
  part?: 'with_learning_time' | 'without_learning_time',
): readonly string[] {
  const file = schemaFile(type, format);
  if (ajv.getSchema(file) === undefined) ajv.addSchema(JSON.parse(PUBLISHED_SCHEMAS.get(file) ?? 'false'), file);
  const validate = ajv.getSchema(part === undefined ? file : `${file}#/$defs/${part}`);
  if (validate === undefined) throw new Error(`${file} has no part ${part}`);
  validate(JSON.parse(body));
  return (validate.errors ?? []).map(({ instancePath, message }) => `${file}: ${instancePath} ${message}`);
}
