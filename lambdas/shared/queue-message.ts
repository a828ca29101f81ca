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
