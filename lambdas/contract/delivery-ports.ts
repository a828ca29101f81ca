import type { Delivery } from './delivery.ts';

/** The retry workflow, as functions see it. */
export interface Workflow {
  /**
   * Starts the execution that carries a delivery from here on. One that exists already, running or closed, carries it:
   * that is success too.
   *
   * @throws where the start is not certain; the message that led here must not be acknowledged then
   */
  start(delivery: Delivery): Promise<void>;
}

/** What a partner's endpoint answered, or why it gave no answer. */
export type SendResult =
  | { readonly kind: 'answered'; readonly status: number }
  | { readonly kind: 'failed' /** Node's error code, or `TIMEOUT`. */; readonly code: string };

/** One request to a partner. */
export interface WebhookRequest {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** One deadline over connect, headers and body, in milliseconds. */
  readonly timeoutMs: number;
}

/** The way to partners. It never throws: what went wrong is a result. */
export interface WebhookSender {
  send(request: WebhookRequest): Promise<SendResult>;
}

/** One message to send. `id` is the caller's, to know it again among the refused. */
export interface OutgoingMessage {
  readonly id: string;
  readonly body: string;
  readonly attributes?: Readonly<Record<string, string>>;
  /** Fair queues: the tenant, on a standard queue. */
  readonly groupId?: string;
}
