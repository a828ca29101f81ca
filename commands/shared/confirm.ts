import type { Context } from './context.ts';

/** Whether to continue: confirmed by an option, or by the answer to the question. */
export async function mayGoOn(question: string, isSaid: boolean | undefined, { terminal }: Context): Promise<boolean> {
  if (isSaid) return true;
  const answer = await terminal.ask(`${question} [y/N] `);
  const isYes = /^\s*y(es)?\s*$/i.test(answer ?? '');
  if (!isYes) terminal.print(`nothing is changed${answer === undefined ? ': --yes confirms it beforehand' : ''}`);
  // An open terminal would keep Ctrl-C from ending the process.
  terminal.close();
  return isYes;
}
