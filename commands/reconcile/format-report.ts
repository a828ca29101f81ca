import {
  COUNTED_STATES,
  MAX_NAMED_STUCK,
  type ReconcileReport,
  type StuckDelivery,
} from '../../lambdas/ledger/reconciliation.ts';
import { alignColumns, counted, formatNumber } from '../shared/format.ts';

/** Whether nothing is left for a person to look at. */
export function isInOrder({ is_balanced, is_complete, failed, outcomes_waiting }: ReconcileReport): boolean {
  return is_balanced && is_complete && failed === 0 && outcomes_waiting === 0;
}

/** A reconciliation in words: the equation, what does not balance, what was done, what to do next. */
export function formatReport(report: ReconcileReport, stageName: string): string {
  const parts = [equation(report), spanOf(report, stageName), ''];
  if (report.unbalanced > 0) parts.push(stuckRows(report), '');
  parts.push(...actionsOf(report), ...formatWaiting(report));
  const isProven = report.is_balanced && report.is_complete && report.outcomes_waiting === 0;
  if (isProven) parts.push('Balanced: every accepted delivery is accounted for.');
  if (!report.is_complete) {
    parts.push(
      'Time ran out: not everything was looked at or fixed. Run it again, with fewer --days or one --integration.',
    );
  }
  return [...parts, ...nextSteps(report, stageName)].join('\n');
}

function equation({ accepted, states, in_flight, unbalanced }: ReconcileReport): string {
  const counted = COUNTED_STATES.map((state) => `${state} ${formatNumber(states[state])}`);
  const sum = [...counted, `in flight ${formatNumber(in_flight)}`];
  if (unbalanced > 0) sum.push(`not balanced ${formatNumber(unbalanced)}`);
  return `accepted ${formatNumber(accepted)} = ${sum.join(' + ')}`;
}

function spanOf({ from, until, integrations }: ReconcileReport, stageName: string): string {
  return `accepted from ${minute(from)} to ${minute(until)} UTC, for ${counted(integrations, 'integration')} of stage ${stageName}`;
}

function stuckRows({ stuck, unbalanced }: ReconcileReport): string {
  const rows = stuck.map(({ webhook_id, integration_id, state, since, why, action }) => [
    ...[webhook_id, integration_id, state, `${since.slice(0, 19)}Z`, why, DONE[action]],
  ]);
  const table = alignColumns([['delivery', 'integration', 'state', 'since', 'why', 'done'], ...rows]);
  const unnamed = unbalanced - stuck.length;
  const more = `\nand ${formatNumber(unnamed)} more: at most ${formatNumber(MAX_NAMED_STUCK)} are named`;
  return unnamed > 0 ? `${table}${more}` : table;
}

const DONE: Readonly<Record<StuckDelivery['action'], string>> = {
  resent: 'resent',
  would_resend: 'nothing: a dry run; would be resent',
  failed: 'nothing: it failed, the next run tries again',
  impossible: 'nothing: its payload is not in the ledger',
  no_time: 'nothing: no time was left',
};

function actionsOf({ resent, released, ended, failed, is_dry_run }: ReconcileReport): string[] {
  const would = is_dry_run ? 'would be ' : '';
  const lines: (readonly [number, string])[] = [
    [resent, `stuck: ${would}resent`],
    [released, `parked: ${would}released, since their integration takes webhooks again`],
    [ended, `parked for over 72 hours: ${would}ended as dead`],
    [failed, 'actions failed: the log of the function Reconcile says why, in CloudWatch'],
  ];
  return lines.filter(([count]) => count > 0).map(([count, what]) => `${formatNumber(count)} ${what}`);
}

function formatWaiting({ outcomes_waiting }: ReconcileReport): string[] {
  if (outcomes_waiting === 0) return [];
  const what =
    outcomes_waiting === null
      ? 'SQS does not say whether outcomes wait'
      : `${formatNumber(outcomes_waiting)} outcomes wait`;
  return [
    `${what} in the outcomes queue: what looks stuck counts as in flight, and nothing is sent again, released or ended. Run it again`,
    'when they are settled: docs/runbook.md#outcomes-waiting',
  ];
}

function nextSteps({ is_balanced, is_dry_run, stuck, resent }: ReconcileReport, stageName: string): string[] {
  const [first] = stuck;
  if (is_balanced || first === undefined) return [];
  const again = `./ltw reconcile --stage ${stageName}`;
  const steps = [`./ltw ledger show ${first.webhook_id} --stage ${stageName}   shows its history`];
  const unsendable = stuck.find(({ action }) => action === 'impossible');
  if (unsendable !== undefined) {
    steps.push(
      `./ltw ledger close ${unsendable.webhook_id} --as delivered --reason TEXT --stage ${stageName}   once the partner says that it has it`,
    );
  }
  if (is_dry_run) steps.push(`${again}   without --dry-run resends them`);
  if (resent > 0 && !is_dry_run) steps.push(`${again}   again in a few minutes shows whether they arrived`);
  return ['Not balanced. Next:', ...steps.map((step) => `  ${step}`)];
}

function minute(time: string): string {
  return time.slice(0, 16).replace('T', ' ');
}
