import * as z from 'zod';
import { headerValueSchema } from './integration.ts';

/** Standard Webhooks 1.0.0: `whsec_` and the base64 of 24 to 64 random bytes. */
const signingSecretSchema = z.string().refine(isSigningSecret, 'must be whsec_ and the base64 of 24 to 64 bytes');

/**
 * The secret `/<stage>/integrations/<id>`, as JSON. Its name derives from the integration's id: who may edit the
 * integrations cannot have another secret sent anywhere.
 *
 * Messages of this schema reach logs and dead letters: they name keys, never values.
 */
export const integrationSecretSchema = z.object({
  /** Newest first. Two while a rotation is under way: every webhook carries a signature of each. */
  signing_secrets: z.array(signingSecretSchema).min(1).max(5),
  /** For `auth` of type `bearer`. */
  bearer_token: headerValueSchema.optional(),
  /** For `auth` of type `api_key`. */
  api_key: headerValueSchema.optional(),
  /** For `auth` of type `oauth2_client_credentials`. */
  client_id: z.string().min(1).max(1024).optional(),
  client_secret: z.string().min(1).max(4096).optional(),
  /** Values of headers whose entry says `from_secret`, by that name. */
  headers: z.record(z.string(), headerValueSchema).optional(),
  /** For `encrypted_fields`: the base64 of 32 random bytes. */
  encryption_key: z
    .string()
    .refine((text) => bytesOfBase64(text) === 32, 'must be the base64 of 32 bytes')
    .optional(),
});
export type IntegrationSecret = z.infer<typeof integrationSecretSchema>;

function isSigningSecret(text: string): boolean {
  if (!text.startsWith('whsec_')) return false;
  const bytes = bytesOfBase64(text.slice('whsec_'.length));
  return bytes !== undefined && bytes >= 24 && bytes <= 64;
}

/** @returns how many bytes a base64 text stands for; undefined where it is not base64, padding included */
function bytesOfBase64(text: string): number | undefined {
  if (text.length % 4 !== 0 || !/^[A-Za-z0-9+/]+={0,2}$/.test(text)) return undefined;
  return (text.length / 4) * 3 - (text.endsWith('==') ? 2 : text.endsWith('=') ? 1 : 0);
}
