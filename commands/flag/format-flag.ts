import { canonicalEnterpriseId } from '../../lambdas/events/event.ts';
import { bucket, evaluateFlag } from '../../lambdas/flag/evaluate-flag.ts';
import type { Flag } from '../../lambdas/flag/flag-document.ts';
import { isRecord } from '../../lambdas/shared/json.ts';
import { readDeployedIntegrations } from '../integration/deployed-integrations.ts';
import type { IntegrationsDocument } from '../integration/integrations-document.ts';
import { awsFailure, CommandFailed, whereOf } from '../shared/failures.ts';
import { alignColumns } from '../shared/format.ts';
import type { Stage } from '../shared/stage.ts';
import { enterpriseChanges, formatReason } from './enterprise-changes.ts';

/** Maximum of enterprises that are named; of the others the number is printed. */
const MAX_NAMED = 20;

/** The flag before and after, and the enterprises for which that changes anything. */
export function formatChange(before: Flag, after: Flag, known: KnownEnterprises): string {
  const rows = [
    ['', 'before', 'after'],
    ['enabled', onOff(before.enabled), onOff(after.enabled)],
    ['percentage', `${before.rollout_percentage} %`, `${after.rollout_percentage} %`],
    ['pilots', formatCount(before.pilot_enterprises), formatCount(after.pilot_enterprises)],
    ['cache time', `${before.cache_ttl_seconds} s`, `${after.cache_ttl_seconds} s`],
  ];
  const isSwitchedOff = before.enabled && !after.enabled;
  const warned = isSwitchedOff ? [] : warnings(after, known);
  return [alignColumns(rows), ...reached(before, after, known), ...warned].join('\n');
}

function reached(before: Flag, after: Flag, known: KnownEnterprises): string[] {
  if ('unknown' in known) return [`How many enterprises that affects is not known: ${known.unknown}`];
  const { ids } = known;
  if (ids.length === 0) return ['No integration has an enterprise, so how many that affects is not known.'];
  const { on, off, had, have } = enterpriseChanges(before, after, ids, bucket);
  const lines = [
    `${on.length + off.length} of ${ids.length} known enterprises change: on for ${had}, then for ${have}`,
  ];
  if (on.length > 0) lines.push(`  on:  ${names(on)}`);
  if (off.length > 0) lines.push(`  off: ${names(off)}`);
  return lines;
}

/** Settings that are probably unintended. */
export function warnings(flag: Flag, known: KnownEnterprises): string[] {
  const { enabled, rollout_percentage: percentage, pilot_enterprises: pilots } = flag;
  const lines: string[] = [];
  if (percentage === 0 && pilots.length === 0) {
    if (enabled) lines.push('No enterprise has learning time: the percentage is 0, and there are no pilots.');
  } else if (!enabled) lines.push('No enterprise has learning time: the flag is off.');
  const strangers = 'unknown' in known ? [] : pilots.filter((pilot) => !known.ids.includes(pilot));
  if (strangers.length > 0) lines.push(`No integration has these pilots, check their ids: ${names(strangers)}`);
  return lines;
}

/** The flag as it is, attribute by attribute. */
export function formatFlag({ enabled, rollout_percentage, pilot_enterprises, cache_ttl_seconds }: Flag): string {
  return alignColumns([
    ['enabled', onOff(enabled)],
    ['percentage', `${rollout_percentage} %`],
    ['pilots', pilot_enterprises.length === 0 ? 'none' : pilot_enterprises.join(', ')],
    ['cache time', `${cache_ttl_seconds} s`],
  ]);
}

/** Each known enterprise with or without learning time, and why. */
export function formatEnterprises(flag: Flag, known: KnownEnterprises): string {
  if ('unknown' in known) return `The enterprises are not known: ${known.unknown}`;
  if (known.ids.length === 0) return 'No integration has an enterprise.';
  const rows = known.ids.map((id) => {
    const { isOn, reason } = evaluateFlag(flag, id);
    return [id, isOn ? 'on' : 'off', formatReason(reason, bucket(id))];
  });
  return alignColumns([['enterprise', 'learning time', 'why'], ...rows]);
}

function names(ids: readonly string[]): string {
  const more = ids.length > MAX_NAMED ? ` and ${ids.length - MAX_NAMED} more` : '';
  return `${ids.slice(0, MAX_NAMED).join(', ')}${more}`;
}

function onOff(isOn: boolean): string {
  return isOn ? 'yes' : 'no';
}

function formatCount(pilots: readonly string[]): string {
  return pilots.length === 0 ? 'none' : String(pilots.length);
}

/** Enterprises of the deployed integrations, or the reason why those cannot be read. */
export type KnownEnterprises = { readonly ids: readonly string[] } | { readonly unknown: string };

/** The flag does not depend on the integrations: if they cannot be read, the reason is printed instead. */
export async function findKnownEnterprises(stage: Stage): Promise<KnownEnterprises> {
  try {
    const { document } = await readDeployedIntegrations(stage);
    return { ids: enterprisesOf(document) };
  } catch (thrown) {
    const reason = thrown instanceof CommandFailed ? thrown.message : awsFailure(thrown, whereOf(stage.name));
    if (reason === undefined) throw thrown;
    return { unknown: reason };
  }
}

/** Each once, in canonical form and in order. Those of faulty entries too. */
export function enterprisesOf({ entries }: IntegrationsDocument): string[] {
  const ids = entries.map((entry) => (isRecord(entry) ? entry.enterprise_customer_uuid : undefined));
  return [...new Set(ids.filter((id) => typeof id === 'string').map(canonicalEnterpriseId))].sort();
}
