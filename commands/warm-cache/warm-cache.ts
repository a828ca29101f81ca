import {
  type WarmInput,
  type WarmReport,
  type WarmResult,
  warmReportSchema,
} from '../../lambdas/warming/warm-report.ts';
import type { Context } from '../shared/context.ts';
import { CommandFailed } from '../shared/failures.ts';
import { alignColumns, counted, formatNumber } from '../shared/format.ts';
import { invokeFunction } from '../shared/invoke-function.ts';
import type { Stage } from '../shared/stage.ts';
import { shortTime } from '../shared/time-span.ts';

/** A Lambda function runs for at most 15 minutes; a minute more for its start. */
const LONGEST_RUN_MS = 16 * 60_000;

export interface WarmCacheOptions {
  readonly stage: string;
  readonly dryRun?: true | undefined;
  readonly acceptShrunk?: true | undefined;
  readonly json?: true | undefined;
}

/** `warm-cache`: 0 where the cache holds what it should, or will after a wait; else 1. @throws CommandFailed */
export async function warmCache(
  { stage: stageName, dryRun, acceptShrunk, json }: WarmCacheOptions,
  context: Context,
): Promise<number> {
  const { print } = context.terminal;
  const stage = await context.openStage(stageName);
  if (!json && !dryRun) print('warming: a million rows take minutes');
  const report = await invoke(stage, {
    ...(dryRun && { dry_run: true }),
    ...(acceptShrunk && { accept_shrunk: true }),
  });
  print(json ? JSON.stringify(report) : formatReport(report, stage.name));
  return report.result === 'out_of_time' || report.result === 'shrunk' ? 1 : 0;
}

async function invoke(stage: Stage, input: WarmInput): Promise<WarmReport> {
  // The client's own timeout is for functions that respond within a minute.
  const waiting = { requestTimeout: LONGEST_RUN_MS, abortSignal: AbortSignal.timeout(LONGEST_RUN_MS) };
  const asked = {
    output: 'WarmCacheFunctionName',
    name: 'WarmCache',
    input,
    schema: warmReportSchema,
    waiting,
  } as const;
  return await invokeFunction(stage, asked).catch((thrown: Error) => {
    if (thrown.name === 'AbortError' || thrown.name === 'TimeoutError') {
      throw new CommandFailed('the function WarmCache has not responded: its log in CloudWatch says what it did');
    }
    if (thrown.name === 'TooManyRequestsException') {
      throw new CommandFailed('the function WarmCache is running already, by its schedule: try again in a few minutes');
    }
    throw thrown;
  });
}

const RESULTS: Readonly<Record<WarmResult, string>> = {
  nothing_enabled: 'nothing to load: the flag is on for no enterprise that the integrations or the pilots name',
  current: 'the cache holds the table’s last version',
  waiting: 'the table was changed less than 30 minutes ago: a later run loads it',
  due: 'a run would load the cache now',
  complete: 'complete: every row is in the cache',
  out_of_time: 'not complete: time ran out. The next run continues',
  shrunk: 'stopped: the table has lost over 20% of its rows. The cache keeps the entries of the version before',
};

function formatReport(report: WarmReport, stageName: string): string {
  const { result, reason, enterprises, read_through, table_changed_at, rows, confirmed, unreadable } = report;
  const { last_complete: last } = report;
  const facts = [
    ['enterprises', formatNumber(enterprises)],
    ...(read_through > 0 ? [['read through', `${formatNumber(read_through)} whose learners are not known`]] : []),
    ...(table_changed_at === null ? [] : [['table changed', shortTime(table_changed_at)]]),
    ...(reason === null ? [] : [['reason', reason.replaceAll('_', ' ')]]),
    ...(rows === null
      ? []
      : [['rows', `${formatNumber(confirmed)} of ${formatNumber(rows)}, ${formatNumber(unreadable)} unreadable`]]),
    [
      'last complete run',
      last === null
        ? 'none'
        : `${shortTime(last.completed_at)}: ${counted(last.entries, 'entry', 'entries')} of the table of ${shortTime(last.table_changed_at)}`,
    ],
  ];
  const next =
    result === 'shrunk'
      ? [`If the table is right: ./ltw warm-cache --accept-shrunk --stage ${stageName}`, 'docs/runbook.md#warm-shrunk']
      : [];
  return [`${RESULTS[result]} (stage ${stageName})`, '', alignColumns(facts), ...next].join('\n');
}
