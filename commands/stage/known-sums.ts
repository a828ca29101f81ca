import { faultsOf } from '../../lambdas/shared/faults.ts';
import { readWholeNumber } from '../../lambdas/shared/whole-number.ts';
import { type KnownSum, knownSumSchema, MAX_SAMPLES } from '../../lambdas/warehouse/check.ts';
import { canonicalUserId } from '../../lambdas/warehouse/query.ts';
import { CommandFailed } from '../shared/failures.ts';
import { readTextFile } from '../shared/read-file.ts';

const HEADER = 'user_id,course_id,enterprise_customer_uuid,total_seconds';

/** More than a hundred lines of the longest keys, in bytes of UTF-8. */
const MAX_BYTES = 128 * 1024;

/**
 * Reads known sums from a CSV file without quotation marks: no part of a key contains a comma.
 *
 * @throws CommandFailed that names the line
 */
export function readKnownSums(file: string): KnownSum[] {
  // Spreadsheets begin a file with U+FEFF, which decoding drops, and end lines with CR LF; the last one may end or not.
  const [header, ...lines] = readTextFile(file, MAX_BYTES)
    .replace(/\r?\n$/, '')
    .split(/\r?\n/);
  if (header !== HEADER) throw new CommandFailed(`${file}, line 1: must be ${HEADER}`);
  if (lines.length === 0) throw new CommandFailed(`${file} has no sums under its first line`);
  if (lines.length > MAX_SAMPLES) throw new CommandFailed(`${file} has ${lines.length} sums: at most ${MAX_SAMPLES}`);
  const lineOf = new Map<string, number>();
  return lines.map((line, index) => {
    const number = index + 2;
    const sum = parseLine(line, `${file}, line ${number}`);
    const key = JSON.stringify([canonicalUserId(sum.user_id), sum.course_id, sum.enterprise_customer_uuid]);
    const before = lineOf.get(key);
    if (before !== undefined) throw new CommandFailed(`${file}, line ${number}: the same key as in line ${before}`);
    lineOf.set(key, number);
    return sum;
  });
}

function parseLine(line: string, where: string): KnownSum {
  if (line.includes('"')) throw new CommandFailed(`${where}: values have no quotation marks`);
  const cells = line.split(',');
  if (cells.length !== 4) throw new CommandFailed(`${where}: has ${cells.length} values, and must have 4`);
  const [user_id, course_id, enterprise_customer_uuid, total = ''] = cells;
  // As Snowflake writes sums of columns with decimals: `18540.00`.
  const total_seconds = Number(readWholeNumber(total) ?? Number.NaN);
  const sum = knownSumSchema.safeParse({ user_id, course_id, enterprise_customer_uuid, total_seconds });
  if (!sum.success) throw new CommandFailed(`${where}: ${faultsOf(sum.error, 'line')}`);
  return sum.data;
}
