import { randomUUID } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import type { RowType, WireRow } from './tables.ts';

interface Chunk {
  readonly rowCount: number;
  readonly uncompressedSize: number;
  /** Rows as JSON, separated by commas and without enclosing brackets, in gzip. */
  readonly body: Buffer;
}

interface Result {
  readonly rowtype: readonly RowType[];
  readonly rowset: readonly WireRow[];
  readonly chunks: readonly Chunk[];
  readonly total: number;
  readonly returned: number;
}

/**
 * Rows in the response itself. An account returned 12,288 of 500,000 rows so, and the rest in chunks
 * (https://github.com/arrisdb/arris/pull/65).
 */
const INLINE_ROWS = 12_288;

/** The first chunk's bytes of JSON; each further chunk has up to twice as many. */
const FIRST_CHUNK_BYTES = 1024 * 1024;

/**
 * CLIENT_RESULT_CHUNK_SIZE in megabytes: from 16, and 160 by default. A chunk has at most that size, and about a tenth of it
 * in gzip: accounts were measured with 1.6 to 1.9 MiB of at most 12.6 MiB for 16, and 16 MiB of at most 100 MiB for 160
 * (https://github.com/snowflakedb/snowflake-connector-nodejs/issues/790).
 */
const DEFAULT_CHUNK_MEGABYTES = 160;

/** Number of results that are available by their query id. Snowflake keeps each for 24 hours. */
const KEPT_RESULTS = 20;

/** Collects a result's rows: the first for the response, the others in chunks. */
export class ResultWriter {
  readonly #rowLimit: number;
  readonly #mostBytes: number;
  readonly #mostZippedBytes: number;
  readonly #rowset: WireRow[] = [];
  readonly #chunks: Chunk[] = [];
  #texts: string[] = [];
  #bytes = 0;
  #chunkBytes = FIRST_CHUNK_BYTES;
  #total = 0;
  #returned = 0;

  /**
   * @param rowLimit ROWS_PER_RESULTSET: rows that are returned at most; 0 for all
   * @param chunkMegabytes CLIENT_RESULT_CHUNK_SIZE: uncompressed size of a chunk, at most
   */
  constructor(rowLimit: number, chunkMegabytes = DEFAULT_CHUNK_MEGABYTES) {
    this.#rowLimit = rowLimit;
    this.#mostBytes = chunkMegabytes * 1_000_000;
    this.#mostZippedBytes = (chunkMegabytes / 10) * 1024 * 1024;
  }

  add(row: WireRow): void {
    this.#total += 1;
    if (this.#rowLimit !== 0 && this.#returned >= this.#rowLimit) return;
    this.#returned += 1;
    if (this.#rowset.length < INLINE_ROWS) {
      this.#rowset.push(row);
      return;
    }
    const text = JSON.stringify(row);
    const bytes = Buffer.byteLength(text) + 1;
    if (this.#bytes + bytes > this.#chunkBytes) this.#endChunk();
    this.#texts.push(text);
    this.#bytes += bytes;
  }

  end(rowtype: readonly RowType[]): Result {
    this.#endChunk();
    return {
      rowtype,
      rowset: this.#rowset,
      chunks: this.#chunks,
      total: this.#total,
      returned: this.#returned,
    };
  }

  #endChunk(): void {
    if (this.#texts.length === 0) return;
    const body = gzipSync(this.#texts.join(','), { level: 6 });
    this.#chunks.push({ rowCount: this.#texts.length, uncompressedSize: this.#bytes - 1, body });
    // As much of the same kind of rows as has the largest size in gzip.
    const fitting = this.#bytes * (this.#mostZippedBytes / body.length);
    this.#chunkBytes = Math.floor(Math.min(2 * this.#chunkBytes, this.#mostBytes, fitting));
    this.#texts = [];
    this.#bytes = 0;
  }
}

/** The results of a server's queries, by query id. */
export class Results {
  readonly #results = new Map<string, Result | 'expired'>();
  /** Chunks are encrypted with this key; the storage returns them only to a client that sends it. */
  readonly #key = randomUUID();

  store(queryId: string, result: Result): void {
    this.#results.set(queryId, result);
    const [oldest] = this.#results.keys();
    if (this.#results.size > KEPT_RESULTS && oldest !== undefined) this.#results.delete(oldest);
  }

  /** As after 24 hours. */
  expireAll(): void {
    for (const queryId of this.#results.keys()) this.#results.set(queryId, 'expired');
  }

  /**
   * The data of the response to a query, or the error code if there is no result: `000710` expired, `000709` unknown.
   *
   * @param origin of the chunks' URLs
   */
  dataOf(queryId: string, origin: string): object | '000709' | '000710' {
    const result = this.#results.get(queryId);
    if (result === undefined) return '000709';
    if (result === 'expired') return '000710';
    const { rowtype, rowset, chunks, total, returned } = result;
    const inChunks = chunks.length > 0 && {
      chunks: chunks.map(({ rowCount, uncompressedSize, body }, index) => ({
        url: `${origin}/chunks/${queryId}/${index}`,
        rowCount,
        uncompressedSize,
        compressedSize: body.length,
      })),
      qrmk: this.#key,
    };
    return {
      rowtype,
      rowset,
      ...inChunks,
      total,
      returned,
      queryId,
      parameters: [],
      version: 1,
      queryResultFormat: 'json',
    };
  }

  /** The bytes of a chunk, in gzip; undefined, which is a 403, without the key or for a result that is gone. */
  chunk(queryId: string, index: number, key: string | undefined): Buffer | undefined {
    const result = this.#results.get(queryId);
    return key === this.#key && result !== undefined && result !== 'expired' ? result.chunks[index]?.body : undefined;
  }
}
