import { alignColumns, counted, formatDuration, formatNumber } from '../shared/format.ts';
import { shortTime } from '../shared/time-span.ts';
import { formatAlarms } from '../stage/alarms.ts';
import type { IntegrationStatus } from './read-integrations.ts';
import type {
  AlarmsStatus,
  ContactsStatus,
  FlagStatus,
  Part,
  QueueStatus,
  ReconcilerStatus,
  StageStatus,
  WarehouseStatus,
  WarmingStatus,
} from './read-status.ts';

/** The status on one screen. */
export function formatStatus(status: StageStatus, alarms: AlarmsStatus): string {
  const { stage, read_at, flag, warehouse, warming, queues, reconciler, contacts, integrations } = status;
  const facts = alignColumns([
    ['flag', text(flag, formatFlag)],
    ['warehouse', text(warehouse, formatWarehouse)],
    ['cache', text(warming, formatWarming)],
    ['reconciler', text(reconciler, formatReconciler)],
    ['contacts', text(contacts, formatContacts)],
  ]);
  return [
    `stage ${stage}, ${shortTime(read_at)}`,
    '',
    `${alarms.in_alarm.length} of ${counted(alarms.total, 'alarm')} in ALARM`,
    ...(alarms.in_alarm.length === 0 ? [] : [formatAlarms(alarms.in_alarm)]),
    ...['', facts, '', text(queues, formatQueues), '', text(integrations, formatIntegrations)],
  ].join('\n');
}

function text<T>(part: Part<T>, format: (known: T) => string): string {
  const { error } = part as { readonly error?: string };
  return error === undefined ? format(part as T) : `not known: ${error}`;
}

function formatFlag({
  enabled,
  rollout_percentage,
  pilots,
  version,
  deployment,
  deployment_state,
}: FlagStatus): string {
  const reach = enabled ? `on for ${rollout_percentage} % and ${counted(pilots, 'pilot')}` : 'off';
  return `${reach}; version ${version}, deployment ${deployment} ${deployment_state}`;
}

function formatWarehouse({ queries, failed, skipped, circuit_breaker }: WarehouseStatus): string {
  const made = counted(queries, 'query', 'queries');
  return `${made} in the last hour, ${formatNumber(failed)} failed, ${formatNumber(skipped)} skipped; circuit breaker ${circuit_breaker}`;
}

function formatWarming(warming: WarmingStatus): string {
  const { last_run, is_behind, last_complete, entries, table_changed, unreadable } = warming;
  if (last_run === null) return 'WarmCache has not run in the last day';
  const held =
    entries === null || table_changed === null
      ? 'nothing loaded'
      : `${counted(entries, 'entry', 'entries')} of the table of ${shortTime(table_changed)}`;
  return [
    held,
    is_behind ? 'behind the table' : 'up to date',
    last_complete === null ? 'no complete run in the last day' : `loaded ${shortTime(last_complete)}`,
    ...(unreadable > 0 ? [`${counted(unreadable, 'row')} unreadable`] : []),
  ].join(', ');
}

function formatReconciler({ last_run, unbalanced, is_balanced }: ReconcilerStatus): string {
  if (last_run === null) return 'no run in the last day';
  return `last run ${shortTime(last_run)}: ${is_balanced ? 'balanced' : `${formatNumber(unbalanced ?? 0)} not balanced`}`;
}

function formatContacts({ addresses, unconfirmed }: ContactsStatus): string {
  if (unconfirmed.length > 0) return `not confirmed: ${unconfirmed.join(', ')}`;
  return addresses === 0 ? 'none' : `${counted(addresses, 'address', 'addresses')}, all confirmed`;
}

function formatQueues(queues: readonly QueueStatus[]): string {
  const rows = queues.map(({ queue, waiting, in_flight, delayed, oldest_seconds }) => [
    queue,
    ...[waiting, in_flight, delayed].map(formatNumber),
    oldest_seconds === null ? '-' : formatDuration(oldest_seconds * 1000),
  ]);
  return alignColumns([['queue', 'waiting', 'in flight', 'delayed', 'oldest'], ...rows]);
}

function formatIntegrations(integrations: readonly IntegrationStatus[]): string {
  if (integrations.length === 0) return 'no integrations yet';
  const rows = integrations.map((one) => [
    one.id,
    one.state,
    formatNumber(one.attempts),
    one.success_rate === null ? '-' : `${Math.round(one.success_rate * 1000) / 10} %`,
    one.last_response ?? '-',
    one.last_response_at === null ? '-' : shortTime(one.last_response_at),
    one.next_attempt_at === null ? '-' : shortTime(one.next_attempt_at),
  ]);
  const heading = ['integration', 'state', 'attempts (1 h)', 'success', 'last response', 'at', 'next attempt'];
  return alignColumns([heading, ...rows]);
}
