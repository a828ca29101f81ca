import type { IncomingMessage } from 'node:http';
import { brotliDecompressSync, constants, inflateRawSync, unzipSync, zstdDecompressSync } from 'node:zlib';
import { DEFAULT_KEPT_BODY_BYTES } from '../webhook-sender.ts';

/** The rest of a longer body is not read; the status counts. */
const MAX_BODY_BYTES = 64 * 1024;

/** Counts the bytes of a response body, and stores its beginning. */
export class ResponseBody {
  readonly #keepBytes: number;
  readonly #parts: Buffer[] = [];
  #bytes = 0;

  constructor(keepBytes = DEFAULT_KEPT_BODY_BYTES) {
    this.#keepBytes = Math.min(keepBytes, MAX_BODY_BYTES);
  }

  /** @returns whether the rest is worth reading */
  take(part: Buffer): boolean {
    if (this.#bytes < this.#keepBytes) this.#parts.push(part);
    this.#bytes += part.length;
    return this.#bytes <= MAX_BODY_BYTES;
  }

  /** The number of bytes received, up to `MAX_BODY_BYTES`. */
  get bytes(): number {
    return Math.min(this.#bytes, MAX_BODY_BYTES);
  }

  /**
   * The beginning as text, decompressed and without a byte order mark. Bytes that are not text in the body's charset become
   * U+FFFD. Undefined if the body is empty.
   */
  start(response: IncomingMessage): string | undefined {
    const [only] = this.#parts;
    if (only === undefined) return undefined;
    // Node makes an object of all headers when they are first read.
    const { headers } = response;
    const bytes = (this.#parts.length === 1 ? only : Buffer.concat(this.#parts)).subarray(0, this.#keepBytes);
    const text = decompressed(bytes, headers['content-encoding']);
    return decoderFor(text, headers['content-type']).decode(text.subarray(0, this.#keepBytes));
  }
}

/** A few bytes can decompress to gigabytes. A body that exceeds this limit stays compressed. */
const MAX_DECOMPRESSED_BYTES = 4 * MAX_BODY_BYTES;

/** More encodings on top of each other have no use. */
const MAX_ENCODINGS = 2;

/**
 * Decompresses a body, up to where it was cut. Our requests send no `Accept-Encoding`, but a server may compress
 * nevertheless (RFC 9110, section 12.5.3).
 *
 * @returns the unchanged bytes if they cannot be decompressed: some proxies decompress and leave the header
 */
function decompressed(bytes: Buffer, contentEncoding: string | undefined): Buffer {
  const encodings = (contentEncoding ?? '').toLowerCase().split(',');
  const given = encodings.map((each) => each.trim()).filter((each) => each !== '' && each !== 'identity');
  // gzip without a header: no text begins with these bytes.
  const applied = given.length === 0 && bytes[0] === 0x1f && bytes[1] === 0x8b ? ['gzip'] : given;
  if (applied.length === 0 || applied.length > MAX_ENCODINGS) return bytes;
  try {
    return applied.reduceRight((rest, encoding) => decompress(rest, encoding), bytes);
  } catch {
    return bytes;
  }
}

/** @throws Error if the bytes do not have this encoding, exceed the limit, or the encoding is unknown */
function decompress(bytes: Buffer, encoding: string): Buffer {
  const bound = { maxOutputLength: MAX_DECOMPRESSED_BYTES };
  const asFarAsItGoes = { ...bound, finishFlush: constants.Z_SYNC_FLUSH };
  switch (encoding) {
    case 'gzip':
    case 'x-gzip':
      return unzipSync(bytes, asFarAsItGoes);
    case 'deflate':
      // RFC 9110 means zlib's format; some servers send the bare stream.
      return isZlib(bytes) ? unzipSync(bytes, asFarAsItGoes) : inflateRawSync(bytes, asFarAsItGoes);
    case 'br':
      return brotliDecompressSync(bytes, { ...bound, finishFlush: constants.BROTLI_OPERATION_FLUSH });
    case 'zstd':
      return zstdDecompressSync(bytes, { ...bound, finishFlush: constants.ZSTD_e_flush });
    default:
      throw new Error('an encoding that is not known');
  }
}

/** The header of RFC 1950: method 8, and a checksum. */
function isZlib(bytes: Buffer): boolean {
  const [first = 0, second = 0] = bytes;
  return (first & 0x0f) === 8 && ((first << 8) | second) % 31 === 0;
}

/** A decoder by the byte order mark, else by the response's charset, else for UTF-8. */
function decoderFor(bytes: Buffer, contentType: string | undefined): { decode(bytes: Buffer): string } {
  const [first, second] = bytes;
  if (first === 0xff && second === 0xfe) return new TextDecoder('utf-16le');
  if (first === 0xfe && second === 0xff) return new TextDecoder('utf-16be');
  const [, charset = 'utf-8'] = /;\s*charset\s*=\s*"?([\w:.-]+)/i.exec(contentType ?? '') ?? [];
  try {
    return new TextDecoder(charset);
  } catch {
    return new TextDecoder();
  }
}
