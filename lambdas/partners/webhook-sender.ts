import type { ClientCertificate } from './client-certificate.ts';

/** The durations of a request's phases, in milliseconds. A reused connection has no DNS, connect and TLS phase. */
export interface SendTimings {
  readonly dnsMs?: number;
  readonly connectMs?: number;
  readonly tlsMs?: number;
  /** From the start to the response's status. */
  readonly firstByteMs?: number;
  readonly totalMs: number;
}

/** A partner's response, or why there is none. */
export type SendResult =
  | {
      readonly kind: 'responded';
      readonly status: number;
      /** The header `Retry-After`, unparsed; several are joined by commas. */
      readonly retryAfter?: string;
      /** The beginning of the body, at most `keepBodyBytes`. It may contain anything, so it must not be logged. */
      readonly responseStart?: string;
      /**
       * Why the rest of the response could not be read: Node's error code, or TIMEOUT. The status counts nevertheless, and
       * the connection is closed.
       */
      readonly responseFault?: string;
      /** The header `Content-Type` of a response that is no 2xx, unparsed: it may contain anything. */
      readonly contentType?: string;
      /** Bytes received of the body of a response that is no 2xx, up to 65,536; absent if there were none. */
      readonly bodyBytes?: number;
      readonly timings?: SendTimings;
    }
  | {
      readonly kind: 'failed';
      /**
       * Node's error code, or one of ours: TIMEOUT, CLOSED, MALFORMED_RESPONSE (no readable status), INVALID_URL,
       * FORBIDDEN_URL, FORBIDDEN_PORT, FORBIDDEN_ADDRESS.
       */
      readonly code: string;
      readonly timings?: SendTimings;
    };

/** Default of `keepBodyBytes`. */
export const DEFAULT_KEPT_BODY_BYTES = 2048;

/** One request to a partner. */
export interface WebhookRequest {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** Timeout of connect, headers and body together, in milliseconds. */
  readonly timeoutMs: number;
  /** Bytes of the response body in the result; at most 65,536. */
  readonly keepBodyBytes?: number;
  /** Presented if the server asks for one; requests with another one, or none, share no connection and no TLS session. */
  readonly clientCertificate?: ClientCertificate;
  /** Called when the operating system has accepted the whole request, and when the head of the response has arrived. */
  readonly onProgress?: (step: 'sent' | 'responded') => void;
}

/** Sends requests to partners. Never throws: a failure is a result. */
export interface WebhookSender {
  send(request: WebhookRequest): Promise<SendResult>;
}
