import type { LedgerTable } from '../../lambdas/contract/ledger-ports.ts';
import type { Context } from '../context.ts';
import { openLedger } from '../open-ledger.ts';
import type { Stage } from '../stage.ts';

/** What every question to the ledger is asked with. */
export interface LedgerWorld {
  readonly stage: Stage;
  readonly stageName: string;
  readonly table: LedgerTable;
  /** Whether the answer is one JSON document, and nothing else is printed. */
  readonly asJson: boolean;
  print(text: string): void;
  /** Wall clock, ms. */
  now(): number;
}

/** @throws CommandFailed */
export function ledgerWorld(stage: Stage, asJson: boolean, context: Context): LedgerWorld {
  const { terminal, now } = context;
  return { stage, stageName: stage.name, table: openLedger(stage, context), asJson, print: terminal.print, now };
}
