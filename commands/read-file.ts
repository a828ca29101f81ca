import { readFileSync } from 'node:fs';
import { CommandFailed } from './command-failed.ts';

/** @throws CommandFailed in one line */
export function readTextFile(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (thrown) {
    const { code = '', message } = thrown as NodeJS.ErrnoException;
    const why = { ENOENT: 'there is no such file', EISDIR: 'it is a directory', EACCES: 'permission denied' }[code];
    throw new CommandFailed(`${file}: ${why ?? message}`);
  }
}
