import { USUAL_KEPT_ANSWER_BYTES } from '../../contract/delivery-ports.ts';

/** No more of an answer than this is read: what follows is not waited for, its status counts. */
const MAX_ANSWER_BYTES = 64 * 1024;

/** Counts the body of an answer, and keeps its beginning. */
export class AnswerBody {
  readonly #keepBytes: number;
  readonly #parts: Buffer[] = [];
  #bytes = 0;

  constructor(keepBytes = USUAL_KEPT_ANSWER_BYTES) {
    this.#keepBytes = Math.min(keepBytes, MAX_ANSWER_BYTES);
  }

  /** @returns whether the rest is worth reading */
  take(part: Buffer): boolean {
    if (this.#bytes < this.#keepBytes) this.#parts.push(part);
    this.#bytes += part.length;
    return this.#bytes <= MAX_ANSWER_BYTES;
  }

  /** Received so far, as far as it is read. */
  get bytes(): number {
    return Math.min(this.#bytes, MAX_ANSWER_BYTES);
  }

  /** The beginning as text, whatever it was: what is not UTF-8 becomes U+FFFD. Undefined where nothing was kept. */
  start(): string | undefined {
    const [only] = this.#parts;
    if (only === undefined) return undefined;
    const bytes = this.#parts.length === 1 ? only : Buffer.concat(this.#parts);
    return bytes.toString('utf8', 0, this.#keepBytes);
  }
}
