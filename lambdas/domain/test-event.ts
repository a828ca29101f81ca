import type { Integration, PayloadFormat } from '../contract/integration.ts';
import { isJsonObject } from './json-object.ts';
import { fillFormat } from './payload-formats.ts';

const NIL_UUID = '00000000-0000-0000-0000-000000000000';

/** Document 001's example: 5.15 hours. */
const SAMPLE_SECONDS = 18_540;

/** What stands in a field that is to be encrypted, for the partner to find when it is decrypted. */
const SAMPLE_TEXT = 'connection test';

/**
 * What the connection test sends: a completion in the integration's format, with learning time, that no receiver can
 * take for a learner's. It says `test`, its learner is 0 or the nil UUID, and it names nobody. Fields that are to be
 * encrypted are there, so that the partner can try to decrypt them.
 *
 * @param nowIso as `toISOString` writes it
 * @returns JSON text
 */
export function testPayload(
  format: PayloadFormat,
  nowIso: string,
  { duration_unit: durationUnit = 'seconds', encrypted_fields: paths = [] }: Partial<Integration> = {},
): string {
  const now = `${nowIso.slice(0, 'YYYY-MM-DDTHH:MM:SS'.length)}Z`;
  const lastUpdated = `${nowIso.slice(0, 'YYYY-MM-DD'.length)}T00:00:00Z`;
  const completion = format === 'percipio' ? percipioCompletion(now) : lmsCompletion(now);
  const filled = fillFormat(format, completion, { totalSeconds: SAMPLE_SECONDS, lastUpdated, durationUnit });
  return JSON.stringify(paths.reduce((fields, path) => withField(fields, path.split('.')), filled));
}

type Fields = Readonly<Record<string, unknown>>;

/** The fields with one more, and the objects on the way to it; what is there already stays. */
function withField(fields: Fields, [name = '', ...rest]: readonly string[]): Fields {
  const known = fields[name];
  if (rest.length === 0) return { ...fields, [name]: known ?? SAMPLE_TEXT };
  return known === undefined || isJsonObject(known) ? { ...fields, [name]: withField(known ?? {}, rest) } : fields;
}

function lmsCompletion(now: string) {
  return {
    test: true,
    user: { id: 0 },
    course: { course_id: 'course-v1:Test+Connection+Test', course_name: 'Connection test' },
    completion: { completion_date: now, percent_grade: 1.0, letter_grade: 'A', is_passing: true },
    enterprise: { enterprise_customer_uuid: NIL_UUID, enterprise_customer_name: 'Connection test' },
  };
}

function percipioCompletion(now: string) {
  return {
    test: true,
    content_id: 'course:Test+Connection',
    user: NIL_UUID,
    orgid: NIL_UUID,
    status: 'completed',
    event_date: now,
    completion_percentage: 100,
  };
}
