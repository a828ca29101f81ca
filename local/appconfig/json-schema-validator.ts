import type { AnySchemaObject } from 'ajv';
import ajvDraft04 from 'ajv-draft-04';

/** AppConfig's limit for a validator written in the template. */
const MAX_SCHEMA_BYTES = 32 * 1024;

/** All reasons why a document is refused; empty if it is valid. */
export type Validator = (content: string) => readonly string[];

/**
 * A freeform profile's validator of type JSON_SCHEMA. AppConfig supports draft-04 only. Whether it checks `format` is not
 * documented, so nothing here relies on it.
 *
 * @throws Error if AppConfig would refuse the schema itself
 */
export function jsonSchemaValidator(schemaText: string): Validator {
  if (Buffer.byteLength(schemaText) > MAX_SCHEMA_BYTES) throw new Error('the JSON schema is larger than 32 KB');
  const ajv = new ajvDraft04.default({ strict: false, allErrors: true, validateFormats: false });
  const validate = ajv.compile(JSON.parse(schemaText) as AnySchemaObject);
  return (content) => {
    let document: unknown;
    try {
      document = JSON.parse(content);
    } catch {
      return ['the content is not JSON'];
    }
    validate(document);
    return (validate.errors ?? []).map(({ instancePath, message }) => `${instancePath || '/'} ${message}`);
  };
}
