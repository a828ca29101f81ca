import * as z from 'zod';
import { integrationIdSchema } from '../events/event.ts';
import type { CertificatePair } from '../partners/client-certificate.ts';
import type { OAuthError, TokenSetting } from '../partners/oauth-errors.ts';
import type { SendTimings } from '../partners/webhook-sender.ts';

/** Input of the function SendTest, sent by `./ltw send-test`. */
export const sendTestRequestSchema = z.strictObject({
  integration_id: integrationIdSchema,
  /** The client certificate to present, for an integration that presents one. */
  client_certificate: z.enum(['current', 'next'] satisfies CertificatePair[]).default('current'),
});

/** Result of one test event, with everything that the partner can compare. Contains no secret. */
export interface SendTestReport {
  readonly integration_id: string;
  readonly webhook_id: string;
  /** Unix seconds, as in the header. */
  readonly webhook_timestamp: string;
  readonly webhook_signature: string;
  /** The exact body. */
  readonly body: string;
  /** `unsent`: nothing was sent, for the `reason`. */
  readonly verdict: 'delivered' | 'retry' | 'gone' | 'dead' | 'unsent';
  readonly reason: string;
  readonly status?: number;
  readonly code?: string;
  /** The token server's error, if it is one of RFC 6749 or RFC 8707. */
  readonly token_error?: OAuthError;
  /** The field of the entry's `auth` that the token server probably wants to have another value. */
  readonly token_setting?: TokenSetting;
  /** Why the rest of the response could not be read: Node's error code, or TIMEOUT. The status decides the verdict. */
  readonly response_fault?: string;
  /** The dates of the client certificate that was to be presented. */
  readonly client_certificate?: {
    readonly pair: CertificatePair;
    readonly expires_at: string;
    /** Continues "the secret has": it has expired, or will soon. */
    readonly fault?: string;
  };
  readonly timings?: SendTimings;
  /** Start of the partner's response, for the operator; never logged. */
  readonly response_start?: string;
}
