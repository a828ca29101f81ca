import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** One fenced block of a guide. */
export interface Block {
  readonly language: string;
  readonly code: string;
  /** The paragraph before it, in one line. */
  readonly before: string;
}

export function blocksOf(guide: string): readonly Block[] {
  return [...guide.matchAll(/([^\n]+(?:\n[^\n]+)*)\n\n```(\w*)\n(.*?)^```$/gms)].map(
    ([, before = '', language = '', code = '']) => ({ language, code, before: before.replaceAll('\n', ' ') }),
  );
}

/** The code of a guide's blocks in one language, in their order. */
export function codeOf(guide: string, language: string): string[] {
  const blocks = guide.matchAll(/^```(\w*)\n(.*?)^```$/gms);
  return [...blocks].flatMap(([, tag, code = '']) => (tag === language ? [code] : []));
}

const STEP = /^(?:New file|In) `(?<file>[^`]+)`(?:, (?<where>above|below) the line `(?<anchor>[^`]+)`)?:$/;

/**
 * Does what the paragraph before a block says: "New file `x`:", or "In `x`, above the line `y`:".
 *
 * @param directory the project's
 * @returns the file
 * @throws Error where the paragraph says neither, the file is there already, or the line is not there exactly once
 */
export function takeStep({ before, code }: Block, directory: string): string {
  const { file, where, anchor } = STEP.exec(before)?.groups ?? {};
  if (file === undefined) throw new Error(`says neither a new file nor a line: ${before}`);
  const path = join(directory, file);
  if (anchor === undefined) {
    writeFileSync(path, code, { flag: 'wx' });
    return file;
  }
  const lines = readFileSync(path, 'utf8').split('\n');
  const at = lines.flatMap((line, index) => (line.trim() === anchor ? [index] : []));
  if (at[0] === undefined || at.length > 1) throw new Error(`${at.length} lines of ${file} are: ${anchor}`);
  lines.splice(where === 'above' ? at[0] : at[0] + 1, 0, ...code.trimEnd().split('\n'));
  writeFileSync(path, lines.join('\n'));
  return file;
}
