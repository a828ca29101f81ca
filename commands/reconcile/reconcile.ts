import {
  type ReconcileInput,
  type ReconcileReport,
  reconcileReportSchema,
} from '../../lambdas/ledger/reconciliation.ts';
import { readDeployedIntegrations } from '../integration/deployed-integrations.ts';
import { entryOf } from '../integration/integrations-document.ts';
import type { Context } from '../shared/context.ts';
import { CommandFailed } from '../shared/failures.ts';
import { invokeFunction } from '../shared/invoke-function.ts';
import type { Stage } from '../shared/stage.ts';
import { formatReport, isInOrder } from './format-report.ts';

/** A Lambda function runs for at most 15 minutes; a minute more for its start. */
const LONGEST_RUN_MS = 16 * 60_000;

export interface ReconcileOptions {
  readonly stage: string;
  /** UTC days of acceptance, today included. */
  readonly days?: number | undefined;
  readonly boundSeconds?: number | undefined;
  readonly integration?: string | undefined;
  readonly dryRun?: true | undefined;
  readonly json?: true | undefined;
}

/** `reconcile`: 0 where everything balances, else 1. @throws CommandFailed */
export async function reconcile(options: ReconcileOptions, context: Context): Promise<number> {
  const { stage: stageName, json, days, boundSeconds, integration: id, dryRun = false } = options;
  const { print } = context.terminal;
  const stage = await context.openStage(stageName);
  if (!json) print('reconciling: with many deliveries this takes minutes');
  const report = await invoke(stage, {
    ...(days !== undefined && { days }),
    ...(boundSeconds !== undefined && { in_flight_bound_seconds: boundSeconds }),
    ...(id !== undefined && { integration_id: id }),
    dry_run: dryRun,
  });
  if (id !== undefined && report.accepted === 0) entryOf((await readDeployedIntegrations(stage)).document, id);
  print(json ? JSON.stringify(report) : formatReport(report, stage.name));
  return isInOrder(report) ? 0 : 1;
}

async function invoke(stage: Stage, input: ReconcileInput): Promise<ReconcileReport> {
  // The client's own timeout is for functions that respond within a minute.
  const waiting = { requestTimeout: LONGEST_RUN_MS, abortSignal: AbortSignal.timeout(LONGEST_RUN_MS) };
  const asked = {
    output: 'ReconcileFunctionName',
    name: 'Reconcile',
    input,
    schema: reconcileReportSchema,
    waiting,
  } as const;
  return await invokeFunction(stage, asked).catch((thrown: Error) => {
    if (thrown.name === 'AbortError' || thrown.name === 'TimeoutError') {
      throw new CommandFailed('the function Reconcile has not responded: its log in CloudWatch says what it did');
    }
    if (thrown.name === 'TooManyRequestsException') {
      throw new CommandFailed('the function Reconcile is running already, by its schedule: try again in a few minutes');
    }
    throw thrown;
  });
}
