import { readFileSync } from 'node:fs';
import { CommandFailed } from './command-failed.ts';

/**
 * The text of a file, without its byte order mark. Windows PowerShell's `>` writes UTF-16, with one.
 *
 * @throws CommandFailed in one line
 */
export function readTextFile(file: string): string {
  const bytes = readBytes(file);
  const [first, second] = bytes;
  const isUtf16 = (first === 0xff && second === 0xfe) || (first === 0xfe && second === 0xff);
  const encoding = !isUtf16 ? 'utf-8' : first === 0xff ? 'utf-16le' : 'utf-16be';
  try {
    return new TextDecoder(encoding, { fatal: true }).decode(bytes);
  } catch {
    throw new CommandFailed(`${file} is not text in UTF-8`);
  }
}

function readBytes(file: string): Buffer {
  try {
    return readFileSync(file);
  } catch (thrown) {
    const { code = '', message } = thrown as NodeJS.ErrnoException;
    const why = { ENOENT: 'there is no such file', EISDIR: 'it is a directory', EACCES: 'permission denied' }[code];
    throw new CommandFailed(`${file}: ${why ?? message}`);
  }
}
