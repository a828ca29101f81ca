import { gunzipSync } from 'node:zlib';
import { describe, expect, test } from '@jest/globals';
import { Results, ResultWriter } from '../../../local/snowflake/results.ts';

/** More than a response contains: `INLINE_ROWS` of the file. */
const INLINE_ROWS = 12_288;
const row = (index: number) => [String(index), 'x'.repeat(100)];

function written(rows: number, rowLimit = 0, chunkMegabytes?: number) {
  const writer = new ResultWriter(rowLimit, chunkMegabytes);
  for (let index = 0; index < rows; index += 1) writer.add(row(index));
  return writer.end([]);
}

describe('a result', () => {
  test('that is small has no chunks', () => {
    expect(written(INLINE_ROWS)).toMatchObject({ total: INLINE_ROWS, returned: INLINE_ROWS, chunks: [] });
  });

  test('has its rows in the response and then in chunks, each once and in order', () => {
    const { rowset, chunks } = written(INLINE_ROWS + 50_000);
    const inChunks = chunks.flatMap(({ body }) => JSON.parse(`[${gunzipSync(body)}]`) as string[][]);
    expect([...rowset, ...inChunks].map(([index]) => index).join()).toBe(
      Array.from({ length: INLINE_ROWS + 50_000 }, (_, index) => index).join(),
    );
    for (const { rowCount, uncompressedSize, body } of chunks) {
      const text = String(gunzipSync(body));
      expect({ rowCount, uncompressedSize }).toEqual({
        rowCount: JSON.parse(`[${text}]`).length,
        uncompressedSize: text.length,
      });
    }
  });

  test('has chunks that grow up to their largest size', () => {
    const sizes = written(INLINE_ROWS + 50_000, 0, 2).chunks.map(({ uncompressedSize }) => uncompressedSize);
    expect(Math.max(...sizes)).toBeLessThanOrEqual(2_000_000);
    expect(sizes.length).toBeGreaterThan(2);
    expect(sizes[0]).toBeLessThan(sizes[1] as number);
  });

  test('is cut at ROWS_PER_RESULTSET', () => {
    expect(written(10, 3)).toMatchObject({ total: 10, returned: 3, rowset: [row(0), row(1), row(2)] });
  });
});

describe('the results of a server', () => {
  test('are there by their id until they expire, and their chunks only with the key', () => {
    const results = new Results();
    results.store('q', written(INLINE_ROWS + 1));
    const data = results.dataOf('q', 'http://origin') as { qrmk: string; chunks: { url: string }[] };
    expect(data.chunks).toMatchObject([{ url: 'http://origin/chunks/q/0', rowCount: 1 }]);
    expect(results.chunk('q', 0, data.qrmk)).toBeInstanceOf(Buffer);
    expect(results.chunk('q', 0, 'another key')).toBeUndefined();
    expect(results.chunk('q', 1, data.qrmk)).toBeUndefined();
    results.expireAll();
    expect(results.dataOf('q', 'http://origin')).toBe('000710');
    expect(results.chunk('q', 0, data.qrmk)).toBeUndefined();
    expect(results.dataOf('other', 'http://origin')).toBe('000709');
  });
});
