/** Buffer limit. Node's parser rejects a head of over 16 KiB, but allows any number of empty lines before it. */
const MAX_BUFFERED_BYTES = 128 * 1024;

/** The version has single digits, as the parser requires. After the three digits of the status there must be no fourth. */
const STATUS_LINE = /^[\r\n]*HTTP\/\d\.\d +(\d{3})(?!\d)/;

/** The header, if its line is complete. */
const RETRY_AFTER = /\nretry-after:[ \t]*([^\r\n]*[^\s])[ \t]*\r\n/i;

/** The readable part of a response head that Node's parser rejected. */
export interface MalformedHead {
  readonly status: number;
  readonly retryAfter?: string;
}

/**
 * Buffers the bytes of a response until the parser has read its head. If the parser rejects the head, the status line still
 * has the partner's decision, and an unreadable header must not cause a repeated request.
 *
 * `insecureHTTPParser` would accept some of these heads. It would also accept bodies whose end is ambiguous, and the rest of
 * such a body would be read as the response to the next request on the connection.
 */
export class HeadBytes {
  #bytes: Buffer = Buffer.alloc(0);

  readonly add = (packet: Buffer): void => {
    if (this.#bytes.length > MAX_BUFFERED_BYTES) return;
    this.#bytes = this.#bytes.length === 0 ? packet : Buffer.concat([this.#bytes, packet]);
  };

  /** Drops an interim response (1xx), which the parser has just read. */
  dropInterim(): void {
    const start = this.#bytes.findIndex((byte) => byte !== 0x0d && byte !== 0x0a);
    const end = this.#bytes.indexOf('\r\n\r\n', Math.max(start, 0));
    if (end >= 0) this.#bytes = this.#bytes.subarray(end + 4);
  }

  /**
   * @param unreadBytes the number of trailing bytes that the parser did not reach. They are ignored, so that the result
   *   does not depend on how the network split the response into packets
   * @returns undefined if there is no status line of a final response
   */
  read(unreadBytes: number): MalformedHead | undefined {
    const head = this.#bytes.toString('latin1', 0, this.#bytes.length - unreadBytes);
    const status = Number(STATUS_LINE.exec(head)?.[1]);
    if (!(status >= 200)) return undefined;
    const retryAfter = RETRY_AFTER.exec(head)?.[1];
    return { status, ...(retryAfter !== undefined && { retryAfter }) };
  }
}
