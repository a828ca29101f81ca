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
import { type SigningSecret, type SigningSecrets, signingPeriods } from './signing-periods.ts';

const MAX_SIGNING_SECRETS = 5;

/** A text, or an object with its end. A misspelt `not_after` is refused: that secret would never end. */
const signingSecretSchema = z.union([
  z.string().transform((secret) => ({ secret, not_after: undefined })),
  z.strictObject({ secret: z.string(), not_after: z.iso.datetime({ offset: true }).nullish() }),
]);

/**
 * Standard Webhooks 1.0.0: `whsec_` and the base64 of 24 to 64 random bytes. The list may also be JSON text, as the
 * console's key/value editor stores it, or a single signing secret.
 */
const signingSecretsForm: SecretForm<readonly SigningSecret[]> = {
  is: `a list of 1 to ${MAX_SIGNING_SECRETS} texts, each whsec_ and the base64 of 24 to 64 bytes, or {"secret": such a text, "not_after": a time like 2026-01-31T12:00:00Z}`,
  read(value) {
    const list = listOf(value)?.filter((each) => each !== null && each !== '');
    const parsed = z.array(signingSecretSchema).safeParse(list);
    if (!parsed.success) return undefined;
    const ends = new Map<string, number>();
    for (const { secret: text, not_after: notAfter } of parsed.data) {
      const secret = text.trim();
      const notAfterMs = typeof notAfter === 'string' ? Date.parse(notAfter) : Number.POSITIVE_INFINITY;
      ends.set(secret, Math.max(notAfterMs, ends.get(secret) ?? notAfterMs));
    }
    const distinct = [...ends].map(([secret, notAfterMs]): SigningSecret => ({ secret, notAfterMs }));
    const isRight = distinct.length > 0 && distinct.length <= MAX_SIGNING_SECRETS;
    return isRight && distinct.every(({ secret }) => isSigningSecret(secret)) ? distinct : undefined;
  },
};

/** The signing secrets of a secret's fields, newest first; undefined if they have another form. */
export function signingSecretsOf({ signing_secrets }: SecretFields): readonly SigningSecret[] | undefined {
  return signingSecretsForm.read(signing_secrets);
}

/** The parameter `needs` of `readSecretPart`. */
const EVERY_DELIVERY = 'every delivery needs';

/**
 * The secret `/<stage>/integrations/<id>`. Its name derives from the integration's id, so that an operator who may only edit
 * the integrations cannot use another secret.
 */
export interface IntegrationSecret extends SigningSecrets {
  /**
   * Distinct, newest first, with those that have ended. During a rotation there are two, and each webhook has a signature by
   * each of them.
   */
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
    if ('value' in part) {
      const signing_secrets = part.value.map(({ secret }) => secret);
      return { ...fields, signing_secrets, signing_periods: signingPeriods(part.value) };
    }
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
