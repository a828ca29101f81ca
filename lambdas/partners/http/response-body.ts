import type { IncomingHttpHeaders } from 'node:http';
import { brotliDecompressSync, constants, inflateRawSync, unzipSync, zstdDecompressSync } from 'node:zlib';
import { DEFAULT_KEPT_BODY_BYTES } from '../webhook-sender.ts';

/** No more of an answer than this is read: what follows is not waited for, its status counts. */
const MAX_BODY_BYTES = 64 * 1024;

/** Counts the body of an answer, and keeps its beginning. */
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

  /** Received so far, as far as it is read. */
  get bytes(): number {
    return Math.min(this.#bytes, MAX_BODY_BYTES);
  }

  /**
   * The beginning as text, without compression and byte order mark, whatever it was: what is not text in its charset
   * becomes U+FFFD. Undefined where nothing was kept.
   */
  start(headers: IncomingHttpHeaders): string | undefined {
    const [only] = this.#parts;
    if (only === undefined) return undefined;
    const bytes = (this.#parts.length === 1 ? only : Buffer.concat(this.#parts)).subarray(0, this.#keepBytes);
    const plain = decompressed(bytes, headers['content-encoding']);
    return decoderFor(plain, headers['content-type']).decode(plain.subarray(0, this.#keepBytes));
  }
}

/** A response of a few bytes can decompress to gigabytes: beyond this it counts as unreadable, and stays as it came. */
const MAX_PLAIN_BYTES = 4 * MAX_BODY_BYTES;

/** No server has a reason for more encodings one after another. */
const MAX_ENCODINGS = 2;

/**
 * No request asks for compression (`Accept-Encoding`), and a server may compress all the same (RFC 9110, section 12.5.3).
 * What was cut is decompressed as far as it goes.
 *
 * @returns the bytes as they are where they cannot be decompressed: proxies decompress and leave the header
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

/** @throws where the bytes are not so encoded, become too many, or the encoding is unknown */
function decompress(bytes: Buffer, encoding: string): Buffer {
  const bound = { maxOutputLength: MAX_PLAIN_BYTES };
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

/** By the byte order mark, else by the charset that the response names; UTF-8 where it names none that is known. */
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
