import { integrationIdSchema } from '../lambdas/contract/event.ts';
import {
  type ReconcileInput,
  type ReconcileReport,
  reconcileReportSchema,
} from '../lambdas/contract/reconciliation.ts';
import { readFlags, readNumber, UsageError } from '../local/command-line.ts';
import { CommandFailed } from './command-failed.ts';
import type { Context } from './context.ts';
import { readDeployed } from './deployed-document.ts';
import { entryOf } from './integrations-document.ts';
import { invokeFunction } from './invoke-function.ts';
import { describeReconciliation, isInOrder } from './reconcile/describe-reconciliation.ts';
import { readWhole } from './replay/read-whole.ts';
import { runCommand } from './run-command.ts';
import type { Stage } from './stage.ts';

export const RECONCILE_USAGE = `usage: npm run reconcile -- [--stage NAME]
  counts what was accepted against what became of it, names every webhook that does not balance, and mends what it can:
  what is stuck is sent anew, what is parked and may go is released, what is parked for over 72 hours is ended
  --days N           UTC days of acceptance to look at, today included: 1 to 400 (default: 4)
  --bound-seconds N  what is in flight for longer is stuck: 0 to 604800 (default: 1800)
  --integration ID   that one only
  --dry-run          changes nothing, and says what would be done
  --json             the report as JSON
  --stage NAME       local (default; the platform that "npm start" runs), dev, staging, prod
  ends with 0 where everything balances, else with 1`;

/** A Lambda function runs for at most 15 minutes; a minute more for its start. */
const LONGEST_ANSWER_MS = 16 * 60_000;

/** `npm run reconcile`: 0 where everything balances, else 1. @throws UsageError; CommandFailed */
export async function reconcile(words: readonly string[], context: Context): Promise<number> {
  const { stageName, asJson, input } = readOptions(words);
  const { print } = context.terminal;
  const stage = await context.openStage(stageName);
  if (!asJson) print('reconciling: with many webhooks this takes minutes');
  const report = await invoke(stage, input);
  const { integration_id: id } = input;
  if (id !== undefined && report.accepted === 0) entryOf((await readDeployed(stage)).document, id);
  print(asJson ? JSON.stringify(report) : describeReconciliation(report, stage.name));
  return isInOrder(report) ? 0 : 1;
}

function readOptions(words: readonly string[]) {
  const values = readFlags(words, {
    stage: { type: 'string', default: 'local' },
    days: { type: 'string' },
    'bound-seconds': { type: 'string' },
    integration: { type: 'string' },
    'dry-run': { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
  });
  const { stage: stageName, days, 'bound-seconds': bound, integration: integration_id, json: asJson } = values;
  if (integration_id !== undefined && !integrationIdSchema.safeParse(integration_id).success) {
    throw new UsageError(`${integration_id} cannot be the id of an integration`);
  }
  const input: ReconcileInput = {
    ...(days !== undefined && { days: readWhole('days', days, 1, 400) }),
    ...(bound !== undefined && { in_flight_bound_seconds: readNumber('bound-seconds', bound, 0, 604_800) }),
    ...(integration_id !== undefined && { integration_id }),
    dry_run: values['dry-run'],
  };
  return { stageName, asJson, input };
}

async function invoke(stage: Stage, input: ReconcileInput): Promise<ReconcileReport> {
  // The client's own timeout is for functions that answer within a minute.
  const waiting = { requestTimeout: LONGEST_ANSWER_MS, abortSignal: AbortSignal.timeout(LONGEST_ANSWER_MS) };
  const asked = {
    output: 'ReconcileFunctionName',
    name: 'Reconcile',
    input,
    schema: reconcileReportSchema,
    waiting,
  } as const;
  return await invokeFunction(stage, asked).catch((thrown: Error) => {
    if (thrown.name === 'AbortError' || thrown.name === 'TimeoutError') {
      throw new CommandFailed('the function Reconcile has not answered: its log says what it did, in CloudWatch');
    }
    if (thrown.name === 'TooManyRequestsException') {
      throw new CommandFailed('the function Reconcile is at work already, by its schedule: try again in a few minutes');
    }
    throw thrown;
  });
}

if (import.meta.main) await runCommand(reconcile, RECONCILE_USAGE);
