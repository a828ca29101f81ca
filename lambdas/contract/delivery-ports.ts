import type { Delivery } from './delivery.ts';

/** The execution that carries a delivery. */
export interface Started {
  /** What the ledger knows it by. */
  readonly token: string;
  /** Whether it was given exactly this delivery: by this call, or, while it runs, by an earlier one with the same input. */
  readonly isOwn: boolean;
}

/** The retry workflow, as functions see it. */
export interface Workflow {
  /**
   * Starts the execution that carries a delivery from here on. One that exists already, running or closed, carries it:
   * that is success too.
   *
   * @throws where the start is not certain; the message that led here must not be acknowledged then
   */
  start(delivery: Delivery): Promise<Started>;
}

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
      /** The beginning of the body, at most `keepAnswerBytes`. It may hold anything: never for logs. */
      readonly answerStart?: string;
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
export const USUAL_KEPT_ANSWER_BYTES = 2048;

/** One request to a partner. */
export interface WebhookRequest {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** One deadline over connect, headers and body, in milliseconds. */
  readonly timeoutMs: number;
  /** At most 65,536; 2048 where it says nothing. */
  readonly keepAnswerBytes?: number;
  /** Called when the operating system has the whole request, and when the head of the response has arrived. */
  readonly onProgress?: (step: 'sent' | 'responded') => void;
}

/** The way to partners, and to nowhere else. It never throws: what went wrong is a result. */
export interface WebhookSender {
  send(request: WebhookRequest): Promise<SendResult>;
}

/** What an integration's OAuth2 server said. */
export type TokenResult =
  | { readonly kind: 'token'; readonly token: string }
  /** Its response, to be judged like any partner's; `problem` where it is a 2xx without a usable token. */
  | { readonly kind: 'none'; readonly result: SendResult; readonly problem?: TokenProblem };

/**
 * Why a 2xx of a token server is of no use:
 * - `no_token`: it holds none, or none that a header can carry.
 * - `not_bearer`: its `token_type` asks for more than the token: a signature (`mac`) or a proof (`DPoP`).
 * - `refused`: it is an error by which RFC 6749 refuses a client, in spite of its status.
 */
export type TokenProblem = 'no_token' | 'not_bearer' | 'refused';

/** Tokens of OAuth2 client credentials, kept in this process until 60 s before they expire. */
export interface TokenSource {
  /** One fetch serves all who ask meanwhile. Waits `timeoutMs` at the most. */
  token(client: OAuthClient, timeoutMs: number): Promise<TokenResult>;
  /** Forgets a token that was refused; a newer one that somebody else fetched meanwhile stays. */
  drop(client: OAuthClient, refused: string): void;
}

export interface OAuthClient {
  readonly tokenUrl: string;
  readonly scope: string;
  readonly clientId: string;
  readonly clientSecret: string;
}

/** A message attribute, in the form in which Lambda hands it over. */
export interface MessageAttribute {
  /** `String`, `Number` or `Binary`, with or without a label of the publisher's: `Number.float`. */
  readonly dataType: string;
  /** Of the first two. */
  readonly stringValue?: string;
  /** Base64. */
  readonly binaryValue?: string;
}

/** SQS: attributes of one message. */
export const MAX_MESSAGE_ATTRIBUTES = 10;

/** One message to send. `id` is the caller's, to know it again among the refused. */
export interface OutgoingMessage {
  readonly id: string;
  readonly body: string;
  /** Our own, the most important first: where the message is too large, the last are left out first. */
  readonly attributes?: Readonly<Record<string, string>>;
  /** Attributes of a received message that is sent on; together with our own at most 10, without a name of ours. */
  readonly carried?: Readonly<Record<string, MessageAttribute>>;
  /** Fair queues: the tenant, on a standard queue. */
  readonly groupId?: string;
  /** Kept back for so long, 0 to 900 s (SQS's limit). */
  readonly delaySeconds?: number;
}
