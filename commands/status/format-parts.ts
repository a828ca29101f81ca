import { counted, formatNumber } from '../shared/format.ts';
import { shortTime } from '../shared/short-time.ts';
import type { ContactsStatus, FlagStatus, ReconcilerStatus, WarehouseStatus, WarmingStatus } from './read-status.ts';

export function formatFlag({
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

export function formatWarehouse({ queries, failed, skipped, circuit_breaker }: WarehouseStatus): string {
  const made = counted(queries, 'query', 'queries');
  return `${made} in the last hour, ${formatNumber(failed)} failed, ${formatNumber(skipped)} skipped; circuit breaker ${circuit_breaker}`;
}

export function formatWarming(warming: WarmingStatus): string {
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

export function formatReconciler({ last_run, unbalanced, is_balanced }: ReconcilerStatus): string {
  if (last_run === null) return 'no run in the last day';
  return `last run ${shortTime(last_run)}: ${is_balanced ? 'balanced' : `${formatNumber(unbalanced ?? 0)} not balanced`}`;
}

export function formatContacts({ addresses, unconfirmed }: ContactsStatus): string {
  if (unconfirmed.length > 0) return `not confirmed: ${unconfirmed.join(', ')}`;
  return addresses === 0 ? 'none' : `${counted(addresses, 'address', 'addresses')}, all confirmed`;
}
