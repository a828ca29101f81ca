/** A message attribute, as in Lambda's SQS event. */
export interface MessageAttribute {
  /** `String`, `Number` or `Binary`, optionally with a custom label: `Number.float`. */
  readonly dataType: string;
  /** Of `String` and `Number`. */
  readonly stringValue?: string;
  /** Of `Binary`; base64. */
  readonly binaryValue?: string;
}

/** Attributes per message (SQS limit). */
export const MAX_MESSAGE_ATTRIBUTES = 10;

/** One message to send. */
export interface OutgoingMessage {
  /** Chosen by the caller: identifies the message in the result. */
  readonly id: string;
  readonly body: string;
  /** Our own attributes, the most important first: if the message is too large, the last ones are left out first. */
  readonly attributes?: Readonly<Record<string, string>>;
  /** The publisher's attributes of a forwarded message; at most 10 together with our own, whose names they must not have. */
  readonly carried?: Readonly<Record<string, MessageAttribute>>;
  /** Message group id: the tenant, for fair queues. */
  readonly groupId?: string;
  /** SQS allows 0 to 900 s. */
  readonly delaySeconds?: number;
}
