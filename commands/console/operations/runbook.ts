import { readFileSync } from 'node:fs';
import * as z from 'zod';
import { CommandFailed } from '../../shared/failures.ts';
import { operation } from '../operation.ts';

const RUNBOOK = new URL('../../../docs/runbook.md', import.meta.url);

/** What to do where an alarm is in ALARM: its section of docs/runbook.md, as Markdown. */
export const readRunbook = operation(
  z.strictObject({ alarm: z.string().regex(/^[a-z][a-z-]{0,80}$/) }),
  async ({ alarm }) => ({ alarm, text: sectionOf(readFileSync(RUNBOOK, 'utf8'), alarm) }),
);

/** The text below a heading of the third level, until the next heading of that level or above. @throws CommandFailed */
export function sectionOf(document: string, heading: string): string {
  const [, ...parts] = document.split(/^### /m);
  const part = parts.find((text) => text.startsWith(`${heading}\n`));
  if (part === undefined) throw new CommandFailed(`the runbook has no heading ${heading}`);
  const [section = ''] = part.slice(heading.length).split(/^##? /m);
  return section.trim();
}
