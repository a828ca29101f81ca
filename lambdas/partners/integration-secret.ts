import * as z from 'zod';
import { parseJson } from '../shared/json.ts';
import {
  isSecretFields,
  parseSecretText,
  readSecretPart,
  type SecretFields,
  type SecretForm,
} from '../shared/secret-text.ts';

const MAX_SIGNING_SECRETS = 5;

/**
 * Standard Webhooks 1.0.0: `whsec_` and the base64 of 24 to 64 random bytes. Also read is the list as a text, as the
 * console's form of key and value holds it, and one signing secret without a list.
 */
const signingSecretsForm: SecretForm<readonly string[]> = {
  is: `a list of 1 to ${MAX_SIGNING_SECRETS} texts, each whsec_ and the base64 of 24 to 64 bytes`,
  read(value) {
    const list = listOf(value)?.filter((each) => each !== null && each !== '');
    if (list === undefined || !list.every((each) => typeof each === 'string')) return undefined;
    const distinct = [...new Set(list.map((each) => each.trim()))];
    const isRight = distinct.every(isSigningSecret) && distinct.length > 0 && distinct.length <= MAX_SIGNING_SECRETS;
    return isRight ? distinct : undefined;
  },
};

/** Who needs the signing secrets: `readSecretPart`. */
const EVERY_DELIVERY = 'every delivery needs';

/**
 * The secret `/<stage>/integrations/<id>`. Its name derives from the integration's id: who may edit the integrations
 * cannot have another secret sent anywhere.
 */
export interface IntegrationSecret {
  /** Newest first, no two alike. Two while a rotation is under way: every webhook carries a signature of each. */
  readonly signing_secrets: readonly string[];
  /**
   * Everything else as it stands: what an integration does not use may hold anything. `partners/credentials.ts` reads the
   * rest: `bearer_token`, `api_key`, `client_id`, `client_secret`, `headers` and `encryption_key`.
   */
  readonly [key: string]: unknown;
}

/** Its messages reach logs and dead letters: they name keys, never values, and go on after "the secret". */
export const integrationSecretSchema = z
  .custom<SecretFields>(isSecretFields, 'is not a JSON object')
  .transform((fields, context): IntegrationSecret => {
    const part = readSecretPart(fields.signing_secrets, 'signing_secrets', signingSecretsForm, EVERY_DELIVERY);
    if ('value' in part) return { ...fields, signing_secrets: part.value };
    context.addIssue(`has ${part.instead}`);
    return z.NEVER;
  });

/** The values of `headers`, by name: an object, or its JSON as the console's form of key and value holds it. */
export function headerValuesOf({ headers }: SecretFields): unknown {
  if (typeof headers !== 'string') return headers;
  const parsed = parseSecretText(headers);
  return 'fields' in parsed ? parsed.fields : undefined;
}

function listOf(value: unknown): readonly unknown[] | undefined {
  if (Array.isArray(value)) return value;
  if (typeof value !== 'string') return undefined;
  if (!value.trim().startsWith('[')) return [value];
  const list = parseJson(value);
  return Array.isArray(list) ? list : undefined;
}

function isSigningSecret(text: string): boolean {
  if (!text.startsWith('whsec_')) return false;
  const bytes = bytesOfBase64(text.slice('whsec_'.length));
  return bytes !== undefined && bytes >= 24 && bytes <= 64;
}

/** @returns how many bytes a base64 text stands for; undefined where it is not base64, padding included */
export function bytesOfBase64(text: string): number | undefined {
  if (text.length % 4 !== 0 || !/^[A-Za-z0-9+/]+={0,2}$/.test(text)) return undefined;
  return (text.length / 4) * 3 - (text.endsWith('==') ? 2 : text.endsWith('=') ? 1 : 0);
}
