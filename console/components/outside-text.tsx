import type { ReactNode } from 'react';
import { visibleText } from '../visible-text.ts';

/** Length from which a text is truncated in a list, in characters. */
const IN_A_LIST = 300;

/**
 * Text that came from outside: an event, a response, an alarm. React escapes markup; this also shows control, bidi and
 * invisible characters, and cuts what is long.
 */
export function OutsideText({
  text,
  atMost = IN_A_LIST,
}: {
  readonly text: string;
  readonly atMost?: number;
}): ReactNode {
  return <bdi className="outside-text">{visibleText(text, atMost)}</bdi>;
}
