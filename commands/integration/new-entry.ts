import { integrationSchema } from '../../lambdas/partners/integration.ts';
import { isRecord, parseJson } from '../../lambdas/shared/json.ts';
import { UsageError } from '../../local/command-line.ts';
import { CommandFailed } from '../shared/failures.ts';
import { readTextFile } from '../shared/read-file.ts';

/** An entry is in a file, or comes from options. */
export interface EntryOptions {
  readonly file?: string | undefined;
  readonly id?: string | undefined;
  readonly url?: string | undefined;
  readonly auth?: string | undefined;
  /** For `api_key`. */
  readonly authHeader?: string | undefined;
  /** For `oauth2_client_credentials`. */
  readonly tokenUrl?: string | undefined;
  readonly tokenRequest?: string | undefined;
  readonly clientAuthentication?: string | undefined;
  readonly scope?: string | undefined;
  readonly audience?: string | undefined;
  readonly contact?: readonly string[] | undefined;
  /** `key=value` for every other field. */
  readonly set: readonly string[];
}

/**
 * The entry as an operator would write it: without defaults, but active unless it has another value. Unchecked.
 *
 * @throws UsageError; CommandFailed where the file is no JSON object
 */
export function newEntry(options: EntryOptions): Readonly<Record<string, unknown>> {
  const { file, id, url, auth, contact = [], set } = options;
  if (file !== undefined) return withActive(entryOfFile(file));
  if (id === undefined || url === undefined) throw new UsageError('add takes --id and --url, or --file');
  const fields = set.map(fieldOf);
  const authFields = authFieldsOf(options);
  const [unused] = auth === undefined ? Object.keys(authFields) : [];
  if (unused !== undefined) throw new UsageError(`--auth is missing: without it, auth.${unused} would not be used`);
  const named = {
    id,
    url,
    ...(auth !== undefined && { auth: { type: auth, ...authFields } }),
    ...(contact.length > 0 && { contacts: contact }),
  };
  const twice = fields.find(([key]) => Object.hasOwn(named, key));
  if (twice !== undefined) throw new UsageError(`${twice[0]} is given twice: by its option and by --set`);
  return withActive({ ...named, ...Object.fromEntries(fields) });
}

function withActive(entry: Readonly<Record<string, unknown>>) {
  return { ...entry, active: entry.active ?? true };
}

/** The fields of `auth` beside its type, from the options that were given. */
function authFieldsOf(given: EntryOptions): object {
  const fields = {
    header: given.authHeader,
    token_url: given.tokenUrl,
    token_request: given.tokenRequest,
    client_authentication: given.clientAuthentication,
    scope: given.scope,
    audience: given.audience,
  };
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}

/** A value is a text where the field takes that text, and JSON otherwise: `event_types=["course_completion"]`. */
function fieldOf(pair: string): [string, unknown] {
  const cut = pair.indexOf('=');
  if (cut < 1) throw new UsageError('--set takes key=value');
  const key = pair.slice(0, cut);
  const text = pair.slice(cut + 1);
  const shape: Readonly<Record<string, { safeParse(value: unknown): { success: boolean } } | undefined>> =
    integrationSchema.shape;
  if (Object.hasOwn(shape, key) && shape[key]?.safeParse(text).success) return [key, text];
  const value = parseJson(text);
  return [key, value === undefined ? text : value];
}

function entryOfFile(file: string): Readonly<Record<string, unknown>> {
  const text = readTextFile(file);
  try {
    const entry: unknown = JSON.parse(text);
    if (isRecord(entry)) return entry;
  } catch (thrown) {
    throw new CommandFailed(`${file} is not JSON: ${(thrown as Error).message}`);
  }
  throw new CommandFailed(`${file} is not a JSON object`);
}
