/** A body that the pipeline composed. It is part of the kit's file, since composing needs a later Node than the kit. */
export interface SampleBody {
  /** Unique: `lead.hot, percipio`. */
  readonly name: string;
  /** The header `event-type`. */
  readonly eventType: string;
  /** The header `payload-format`. */
  readonly payloadFormat: string;
  /** The exact text. */
  readonly body: string;
  /** The base64 of the key of its encrypted field; absent if no field is encrypted. */
  readonly encryptionKey?: string;
}
