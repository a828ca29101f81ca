import { createLedgerTable } from '../lambdas/adapters/dynamodb/ledger-table.ts';
import { LedgerUnavailable } from '../lambdas/contract/errors.ts';
import type { LedgerTable } from '../lambdas/contract/ledger-ports.ts';
import { awsFailure } from './aws-failure.ts';
import { CommandFailed } from './command-failed.ts';
import type { Stage } from './stage.ts';

/**
 * The ledger of a stage, which itself says how long it holds what.
 *
 * @param now wall clock, ms
 * @throws CommandFailed where the stack is older than its ledger
 */
export function openLedger(stage: Stage, now: () => number = Date.now): LedgerTable {
  return createLedgerTable({
    client: stage.dynamoDb,
    tableName: stage.output('LedgerTableName'),
    ...heldDays(stage),
    now,
  });
}

/** How long a stage's ledger holds events and answers, and the facts without them. @throws CommandFailed */
export function heldDays(stage: Stage): { readonly payloadDays: number; readonly factsDays: number } {
  return { payloadDays: days(stage, 'LedgerPayloadDays'), factsDays: days(stage, 'LedgerFactsDays') };
}

function days(stage: Stage, name: 'LedgerPayloadDays' | 'LedgerFactsDays'): number {
  const text = stage.output(name);
  if (/^[1-9]\d{0,3}$/.test(text)) return Number(text);
  throw new CommandFailed(`the output ${name} of stage ${stage.name} is no number of days: ${text}`);
}

/** The adapter's error as a person is told it; whatever else was thrown, as it is. */
export function ledgerFailure(thrown: unknown, { name }: Stage): unknown {
  if (!(thrown instanceof LedgerUnavailable)) return thrown;
  const where = name === 'local' ? 'the platform of this machine' : `AWS, for stage ${name},`;
  return new CommandFailed(awsFailure(thrown.cause, where) ?? `the ledger does not answer: ${thrown.message}`);
}
