import * as z from 'zod';
import { parseJson } from '../shared/json.ts';
import {
  isSecretFields,
  parseSecretText,
  readSecretPart,
  type SecretFields,
  type SecretForm,
} from '../shared/secret-text.ts';
import { isSigningSecret } from './signature.ts';

const MAX_SIGNING_SECRETS = 5;

/**
 * Standard Webhooks 1.0.0: `whsec_` and the base64 of 24 to 64 random bytes. The list may also be JSON text, as the
 * console's key/value editor stores it, or a single signing secret.
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

/** The parameter `needs` of `readSecretPart`. */
const EVERY_DELIVERY = 'every delivery needs';

/**
 * The secret `/<stage>/integrations/<id>`. Its name derives from the integration's id, so that an operator who may only edit
 * the integrations cannot use another secret.
 */
export interface IntegrationSecret {
  /** Distinct, newest first. During a rotation there are two, and each webhook has a signature by each of them. */
  readonly signing_secrets: readonly string[];
  /**
   * All other values, unvalidated. `partners/credentials.ts` reads those that the integration uses: `bearer_token`,
   * `api_key`, `client_id`, `client_secret`, `headers` and `encryption_key`.
   */
  readonly [key: string]: unknown;
}

/** Its messages appear in logs and dead-letter reasons: they name keys, never values, and continue "the secret". */
export const integrationSecretSchema = z
  .custom<SecretFields>(isSecretFields, 'is not a JSON object')
  .transform((fields, context): IntegrationSecret => {
    const part = readSecretPart(fields.signing_secrets, 'signing_secrets', signingSecretsForm, EVERY_DELIVERY);
    if ('value' in part) return { ...fields, signing_secrets: part.value };
    context.addIssue(`has ${part.instead}`);
    return z.NEVER;
  });

/** The values of `headers`, by name: an object, or its JSON text, as the console's key/value editor stores it. */
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
