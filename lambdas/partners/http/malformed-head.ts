/** More of a head is not kept. Node's parser gives up at 16 KiB; only empty lines before it may go on without end. */
const MAX_KEPT_BYTES = 128 * 1024;

/** The version has one digit each, as the parser demands; after three digits of status may come anything but a fourth. */
const STATUS_LINE = /^[\r\n]*HTTP\/\d\.\d +(\d{3})(?!\d)/;

/** A header whose line is complete. */
const RETRY_AFTER = /\nretry-after:[ \t]*([^\r\n]*[^\s])[ \t]*\r\n/i;

/** What a head says that the parser did not read to its end. */
export interface MalformedHead {
  readonly status: number;
  readonly retryAfter?: string;
}

/**
 * Keeps the bytes of a response until the parser has read its head. When the parser refuses the head, the status line
 * still says what the partner decided, and the request must not be repeated for a header that it cannot read.
 *
 * `insecureHTTPParser` would read a part of these heads. It would also read bodies whose end is ambiguous, and what is
 * left over of one would become the response to the next request on the connection.
 */
export class HeadBytes {
  #bytes: Buffer = Buffer.alloc(0);

  readonly add = (packet: Buffer): void => {
    if (this.#bytes.length > MAX_KEPT_BYTES) return;
    this.#bytes = this.#bytes.length === 0 ? packet : Buffer.concat([this.#bytes, packet]);
  };

  /** Forgets an interim response (1xx), which the parser has just read. */
  dropInterim(): void {
    const start = this.#bytes.findIndex((byte) => byte !== 0x0d && byte !== 0x0a);
    const end = this.#bytes.indexOf('\r\n\r\n', Math.max(start, 0));
    if (end >= 0) this.#bytes = this.#bytes.subarray(end + 4);
  }

  /**
   * @param unreadBytes how many of the last bytes the parser did not reach. They are not looked at, so that the result
   *   does not depend on where the network cut the response into packets
   * @returns undefined where there is no status line of a final response
   */
  read(unreadBytes: number): MalformedHead | undefined {
    const head = this.#bytes.toString('latin1', 0, this.#bytes.length - unreadBytes);
    const status = Number(STATUS_LINE.exec(head)?.[1]);
    if (!(status >= 200)) return undefined;
    const retryAfter = RETRY_AFTER.exec(head)?.[1];
    return { status, ...(retryAfter !== undefined && { retryAfter }) };
  }
}
