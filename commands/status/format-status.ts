import { alignColumns, counted, formatDuration, formatNumber } from '../shared/format.ts';
import { shortTime } from '../shared/time-span.ts';
import { formatAlarms } from '../stage/alarms.ts';
import { formatContacts, formatFlag, formatReconciler, formatWarehouse, formatWarming } from './format-parts.ts';
import type { IntegrationStatus } from './read-integrations.ts';
import type { AlarmsStatus, Part, QueueStatus, StageStatus } from './read-status.ts';

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
