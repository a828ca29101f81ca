/** How long the parts of a request took, in milliseconds. What a kept connection spares is absent. */
export interface SendTimings {
  readonly dnsMs?: number;
  readonly connectMs?: number;
  readonly tlsMs?: number;
  /** From the start until the answer's status. */
  readonly firstByteMs?: number;
  readonly totalMs: number;
}

/** What a partner's endpoint answered, or why it gave no answer. */
export type SendResult =
  | {
      readonly kind: 'answered';
      readonly status: number;
      /** The header `Retry-After`, as it came; several are joined by commas. */
      readonly retryAfter?: string;
      /** The beginning of the body, at most `keepBodyBytes`. It may hold anything: never for logs. */
      readonly responseStart?: string;
      /**
       * Why the rest of the response could not be read: Node's error code, or TIMEOUT. The status counts all the same, and
       * the connection is closed.
       */
      readonly responseFault?: string;
      /** Of a refusal, the header `Content-Type`, as it came: it too may hold anything. */
      readonly contentType?: string;
      /** Of a refusal, how much of the body was received, in bytes up to 65,536; absent where nothing was. */
      readonly bodyBytes?: number;
      readonly timings?: SendTimings;
    }
  | {
      readonly kind: 'failed';
      /**
       * Node's error code, or one of ours: TIMEOUT, CLOSED, MALFORMED_RESPONSE (no status can be read), INVALID_URL,
       * FORBIDDEN_URL, FORBIDDEN_PORT, FORBIDDEN_ADDRESS.
       */
      readonly code: string;
      readonly timings?: SendTimings;
    };

/** Of an answer so much is kept where nobody asks for more, in bytes. */
export const DEFAULT_KEPT_BODY_BYTES = 2048;

/** One request to a partner. */
export interface WebhookRequest {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** One deadline over connect, headers and body, in milliseconds. */
  readonly timeoutMs: number;
  /** At most 65,536; 2048 where it says nothing. */
  readonly keepBodyBytes?: number;
  /** Called when the operating system has the whole request, and when the head of the response has arrived. */
  readonly onProgress?: (step: 'sent' | 'responded') => void;
}

/** The way to partners, and to nowhere else. It never throws: what went wrong is a result. */
export interface WebhookSender {
  send(request: WebhookRequest): Promise<SendResult>;
}
