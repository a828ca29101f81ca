import { closeSync, openSync, readSync } from 'node:fs';
import { type KnownSum, knownSumSchema, MAX_SAMPLES } from '../../lambdas/contract/check-warehouse.ts';
import { faultsOf } from '../../lambdas/contract/faults.ts';
import { canonicalUserId } from '../../lambdas/domain/learning-time-query.ts';
import { readWholeNumber } from '../../lambdas/domain/whole-number.ts';
import { UsageError } from '../../local/command-line.ts';

const HEADER = 'user_id,course_id,enterprise_customer_uuid,total_seconds';

/** A hundred lines of the longest keys there are, in bytes of UTF-8, are less. */
const MOST_BYTES = 128 * 1024;

/**
 * Known sums from a file of CSV, without quotation marks: no part of a key has a comma in it.
 *
 * @throws UsageError that names the line
 */
export function readKnownSums(file: string): KnownSum[] {
  // Spreadsheets begin a file with U+FEFF, which decoding drops, and end lines with CR LF; the last one may end or not.
  const [header, ...lines] = readAtMost(file, MOST_BYTES)
    .replace(/\r?\n$/, '')
    .split(/\r?\n/);
  if (header !== HEADER) throw new UsageError(`${file}, line 1: must be ${HEADER}`);
  if (lines.length === 0) throw new UsageError(`${file} has no sums under its first line`);
  if (lines.length > MAX_SAMPLES) throw new UsageError(`${file} has ${lines.length} sums: at most ${MAX_SAMPLES}`);
  const lineOf = new Map<string, number>();
  return lines.map((line, index) => {
    const number = index + 2;
    const sum = parseLine(line, `${file}, line ${number}`);
    const key = JSON.stringify([canonicalUserId(sum.user_id), sum.course_id, sum.enterprise_customer_uuid]);
    const before = lineOf.get(key);
    if (before !== undefined) throw new UsageError(`${file}, line ${number}: the same key as in line ${before}`);
    lineOf.set(key, number);
    return sum;
  });
}

function parseLine(line: string, where: string): KnownSum {
  if (line.includes('"')) throw new UsageError(`${where}: values stand without quotation marks`);
  const cells = line.split(',');
  if (cells.length !== 4) throw new UsageError(`${where}: has ${cells.length} values, and must have 4`);
  const [user_id, course_id, enterprise_customer_uuid, total = ''] = cells;
  // As Snowflake writes sums of columns with decimals: `18540.00`.
  const total_seconds = Number(readWholeNumber(total) ?? Number.NaN);
  const sum = knownSumSchema.safeParse({ user_id, course_id, enterprise_customer_uuid, total_seconds });
  if (!sum.success) throw new UsageError(`${where}: ${faultsOf(sum.error, 'line')}`);
  return sum.data;
}

/** Whatever it is, a pipe or a device: no more is read than it may hold. @throws UsageError */
function readAtMost(file: string, bytes: number): string {
  const buffer = Buffer.alloc(bytes + 1);
  let length = 0;
  try {
    const descriptor = openSync(file, 'r');
    try {
      while (length < buffer.length) {
        const read = readSync(descriptor, buffer, length, buffer.length - length, null);
        if (read === 0) break;
        length += read;
      }
    } finally {
      closeSync(descriptor);
    }
  } catch (thrown) {
    const { code = '', message } = thrown as NodeJS.ErrnoException;
    const why = { ENOENT: 'there is no such file', EISDIR: 'it is a directory', EACCES: 'permission denied' }[code];
    throw new UsageError(`${file}: ${why ?? message}`);
  }
  if (length > bytes) throw new UsageError(`${file} is over ${bytes / 1024} KiB: at most ${MAX_SAMPLES} sums`);
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(buffer.subarray(0, length));
  } catch {
    throw new UsageError(`${file} is not UTF-8`);
  }
}
