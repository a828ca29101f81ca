import { isJsonObject } from '../shared/json-text.ts';
import type { Integration } from './integration.ts';
import type { Fields } from './payload-formats/payload-format.ts';
import { definitionOfFormat } from './payload-formats/payload-formats.ts';

/** 5.15 hours. */
const SAMPLE_SECONDS = 18_540;

/** The connection test is a completion. */
export const TEST_EVENT_TYPE = 'course_completion';

/** The value of added encrypted fields, which the partner finds after decryption. */
const SAMPLE_TEXT = 'connection test';

/**
 * The body of the connection test: `test`, and the sample of the integration's format with learning time, which names no
 * learner. It has all fields that the integration encrypts, so that the partner can test decryption.
 *
 * @param nowIso the time, in the format of `toISOString`
 * @returns JSON text
 */
export function testPayload(integration: Integration, nowIso: string): string {
  const now = `${nowIso.slice(0, 'YYYY-MM-DDTHH:MM:SS'.length)}Z`;
  const lastUpdated = `${nowIso.slice(0, 'YYYY-MM-DD'.length)}T00:00:00Z`;
  const format = definitionOfFormat(integration.payload_format);
  const payload = format.sample(now);
  const event = { event_id: 'test', event_type: TEST_EVENT_TYPE, occurred_at: now, payload } as const;
  const composed = format.compose(event, { totalSeconds: SAMPLE_SECONDS, lastUpdated }, integration);
  const paths = integration.encrypted_fields.map((path) => path.split('.'));
  return JSON.stringify(paths.reduce(withField, { test: true, ...composed }));
}

/** Adds a field and the objects on its path; an existing value stays. */
function withField(fields: Fields, [name = '', ...rest]: readonly string[]): Fields {
  const known = fields[name];
  if (rest.length === 0) return { ...fields, [name]: known ?? SAMPLE_TEXT };
  return known === undefined || isJsonObject(known) ? { ...fields, [name]: withField(known ?? {}, rest) } : fields;
}
