import { closeSync, openSync, readSync } from 'node:fs';
import { CommandFailed } from './failures.ts';

/** No document that a command reads is longer: AppConfig takes 1 MiB. */
const MOST_BYTES = 1024 * 1024;

/**
 * The text of a file, without its byte order mark. Windows PowerShell's `>` writes UTF-16, with one.
 *
 * @param mostBytes a pipe or a device is not read further either
 * @throws CommandFailed in one line
 */
export function readTextFile(file: string, mostBytes = MOST_BYTES): string {
  const bytes = readBytes(file, mostBytes);
  if (bytes.length > mostBytes) throw new CommandFailed(`${file}: it is over ${mostBytes / 1024} KiB`);
  const [first, second] = bytes;
  const isUtf16 = (first === 0xff && second === 0xfe) || (first === 0xfe && second === 0xff);
  const encoding = !isUtf16 ? 'utf-8' : first === 0xff ? 'utf-16le' : 'utf-16be';
  try {
    return new TextDecoder(encoding, { fatal: true }).decode(bytes);
  } catch {
    throw new CommandFailed(`${file} is not text in UTF-8`);
  }
}

/** At most one byte more than is wanted. */
function readBytes(file: string, mostBytes: number): Buffer {
  const buffer = Buffer.alloc(mostBytes + 1);
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
    throw new CommandFailed(`${file}: ${why ?? message}`);
  }
  return buffer.subarray(0, length);
}
