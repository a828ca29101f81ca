import * as z from 'zod';
import { UsageError } from '../../local/command-line.ts';

/** A place in the list of deliveries: by the time of acceptance, and of the same time by the id. */
export interface Position {
  /** ISO 8601, UTC. */
  readonly at: string;
  /** A webhook id; empty for the place before all of that time, `LAST_ID` for the one after them. */
  readonly id: string;
}

/** Sorts after every webhook id. */
export const LAST_ID = '~';

/** Where a page of the list begins, and in which direction it is read. The row at the position is not part of it. */
export interface Cursor extends Position {
  readonly to: 'older' | 'newer';
}

const cursorSchema = z.strictObject({
  to: z.enum(['older', 'newer']),
  at: z.iso.datetime().max(40),
  id: z.string().regex(/^(wh_[0-9a-f]{40}|~|)$/),
});

/** Longest text of a cursor, in characters. */
export const MAX_CURSOR_CHARACTERS = 300;

/** A cursor as text for an address or an option. */
export function formatCursor({ to, at, id }: Cursor): string {
  return Buffer.from(JSON.stringify({ to, at, id })).toString('base64url');
}

/** Reads a cursor, which may come from anywhere. It names a place and nothing else. @throws UsageError */
export function parseCursor(text: string): Cursor {
  try {
    if (text.length > MAX_CURSOR_CHARACTERS) throw new Error('too long');
    return cursorSchema.parse(JSON.parse(Buffer.from(text, 'base64url').toString('utf8')));
  } catch {
    throw new UsageError('this is no cursor of a list of deliveries: begin with the newest');
  }
}

/** Negative if one position is older than the other, 0 if they are the same. */
export function comparePositions(one: Position, other: Position): number {
  if (one.at !== other.at) return one.at < other.at ? -1 : 1;
  if (one.id === other.id) return 0;
  return one.id < other.id ? -1 : 1;
}
