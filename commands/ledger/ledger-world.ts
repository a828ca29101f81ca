import type { LedgerTable } from '../../lambdas/contract/ledger-ports.ts';
import type { Context } from '../shared/context.ts';
import { ledgerFailure, openLedger } from '../shared/open-ledger.ts';
import type { Stage } from '../shared/stage.ts';

/** What every question to the ledger is asked with. */
export interface LedgerWorld {
  readonly context: Context;
  readonly stage: Stage;
  readonly stageName: string;
  readonly table: LedgerTable;
  /** Whether the answer is one JSON document, and nothing else is printed. */
  readonly asJson: boolean;
  print(text: string): void;
  /** Wall clock, ms. */
  now(): number;
}

/** Opens the ledger of a stage for a question. @throws CommandFailed where it cannot be read; what the question throws */
export async function askLedger(
  { stage: stageName, json: asJson = false }: { readonly stage: string; readonly json?: boolean | undefined },
  question: (world: LedgerWorld) => Promise<number>,
  context: Context,
): Promise<number> {
  const { terminal, now } = context;
  const stage = await context.openStage(stageName);
  const table = openLedger(stage, context);
  try {
    return await question({ context, stage, stageName: stage.name, table, asJson, print: terminal.print, now });
  } catch (thrown) {
    throw ledgerFailure(thrown, stage);
  }
}
