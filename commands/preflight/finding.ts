/** What one line of the preflight says. */
export interface Finding {
  /** `?` where it could not be looked at. */
  readonly answer: 'yes' | 'no' | '?';
  readonly what: string;
  /** How it is, or why it is not known. Never a secret's value. */
  readonly is: string;
  /** How to mend it or find it out: a command to paste where there is one. */
  readonly mend?: string;
}

export function yes(what: string, is: string): Finding {
  return { answer: 'yes', what, is };
}

export function no(what: string, is: string, mend: string): Finding {
  return { answer: 'no', what, is, mend };
}

export function unknown(what: string, is: string, mend?: string): Finding {
  return { answer: '?', what, is, ...(mend !== undefined && { mend }) };
}
