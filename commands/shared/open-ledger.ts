import type { LedgerTable, Span } from '../../lambdas/ledger/ports.ts';
import { createFailureSearch, type FailureSearch } from '../../lambdas/ledger/table/latest-failures.ts';
import { createLedgerTable } from '../../lambdas/ledger/table/ledger-table.ts';
import { createListPages, type ListPages } from '../../lambdas/ledger/table/list-pages.ts';
import { DAY_MS } from '../../lambdas/shared/durations.ts';
import { LedgerUnavailable } from '../../lambdas/shared/errors.ts';
import { CLIENT_WAITS } from '../../lambdas/shared/io-deadlines.ts';
import type { Context } from './context.ts';
import { awsFailure, CommandFailed, whereOf } from './failures.ts';
import type { Stage } from './stage.ts';
import { readSpan } from './time-span.ts';

/**
 * The ledger of a stage, which itself says how long it holds what.
 *
 * @throws CommandFailed where the stack is older than its ledger
 */
export function openLedger(stage: Stage, { now }: Pick<Context, 'now'>): LedgerTable {
  return createLedgerTable({
    client: stage.dynamoDb,
    tableName: stage.output('LedgerTableName'),
    ...heldDays(stage),
    now,
  });
}

/** The lists of a stage's ledger, page by page. @throws CommandFailed where the stack is older than its ledger */
export function openListPages(stage: Stage, { now }: Pick<Context, 'now'>): ListPages {
  const { payloadDays } = heldDays(stage);
  const table = { client: stage.dynamoDb, tableName: stage.output('LedgerTableName') };
  return createListPages(table, () => new Date(now() - payloadDays * DAY_MS).toISOString());
}

/** Finds the latest undelivered deliveries of an integration, with the time limit of a command and not of a function. */
export function openFailureSearch(stage: Stage): FailureSearch {
  return createFailureSearch({
    client: stage.dynamoDb,
    tableName: stage.output('LedgerTableName'),
    searchTimeoutMs: CLIENT_WAITS.command.callMs,
  });
}

/** How long a stage's ledger holds events and responses, and the facts without them. @throws CommandFailed */
export function heldDays(stage: Stage): { readonly payloadDays: number; readonly factsDays: number } {
  return { payloadDays: days(stage, 'LedgerPayloadDays'), factsDays: days(stage, 'LedgerFactsDays') };
}

/** By when whatever can still be sent was accepted: earlier events are deleted. @throws CommandFailed */
export function heldSpan(stage: Stage, { now }: Pick<Context, 'now'>): Span {
  return readSpan({ since: `${heldDays(stage).payloadDays}d`, until: undefined }, now());
}

function days(stage: Stage, name: 'LedgerPayloadDays' | 'LedgerFactsDays'): number {
  const text = stage.output(name);
  if (/^[1-9]\d{0,3}$/.test(text)) return Number(text);
  throw new CommandFailed(`the output ${name} of stage ${stage.name} is no number of days: ${text}`);
}

/** The adapter's error in one line for the operator; any other error as it is. */
export function ledgerFailure(thrown: unknown, { name }: Pick<Stage, 'name'>): unknown {
  if (!(thrown instanceof LedgerUnavailable)) return thrown;
  return new CommandFailed(awsFailure(thrown.cause, whereOf(name)) ?? `the ledger does not respond: ${thrown.message}`);
}

/** What every query of the ledger takes. */
export interface LedgerSession {
  readonly context: Context;
  readonly stage: Stage;
  readonly stageName: string;
  readonly table: LedgerTable;
  /** Whether one JSON document is printed, and nothing else. */
  readonly asJson: boolean;
  print(text: string): void;
  /** Wall clock, ms. */
  now(): number;
}

/** Opens the ledger of a stage for a question. @throws CommandFailed where it cannot be read; what the question throws */
export async function withLedger(
  { stage: stageName, json: asJson = false }: { readonly stage: string; readonly json?: boolean | undefined },
  question: (world: LedgerSession) => Promise<number>,
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
