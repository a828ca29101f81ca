import { createHash } from 'node:crypto';
import { isRecord, parseJson } from '../shared/json.ts';
import type { EvaluationReason } from '../shared/metric-definitions.ts';
import { CONFIG_VERSION, FLAG_KEY, type Flag, flagSchema, type VersionedFlag } from './flag-document.ts';

/** The flag, and in words what was wrong with its document: one warning for each, once per version. */
export interface ParsedFlag {
  readonly flag: Flag;
  readonly faults: readonly string[];
  /**
   * Whether it says nothing that could be followed: who has a good version keeps that. A flag that is switched off, or gone,
   * is followed whatever else the document holds.
   */
  readonly isNonsense: boolean;
}

/**
 * Reads the flag from the flat document of `GetLatestConfiguration`: `{[FLAG_KEY]: {enabled, …attributes}}`.
 *
 * It fails safe and never throws. Off, where the document does not say clearly that the flag is on; an attribute that
 * does not fit is taken as its default (nobody by percentage, no pilots, one hour) and harms no other. A fault names
 * the attribute and not its value.
 */
export function parseFlag(text: string): ParsedFlag {
  const document = parseJson(text);
  if (!isRecord(document)) return nonsense('the document is not a JSON object; taken as off');
  const entry = document[FLAG_KEY];
  if (!isRecord(entry)) return { ...nonsense(`there is no flag ${FLAG_KEY}; taken as off`), isNonsense: false };
  if (typeof entry.enabled !== 'boolean') return nonsense('enabled is neither true nor false; taken as off');
  const faults: string[] = [];
  const { rollout_percentage, pilot_enterprises, cache_ttl_seconds } = flagSchema.shape;
  const flag = {
    enabled: entry.enabled,
    rollout_percentage: attribute(rollout_percentage, entry, 'rollout_percentage', faults),
    pilot_enterprises: attribute(pilot_enterprises, entry, 'pilot_enterprises', faults),
    cache_ttl_seconds: attribute(cache_ttl_seconds, entry, 'cache_ttl_seconds', faults),
  };
  return { flag, faults, isNonsense: entry.enabled && faults.length > 0 };
}

/**
 * Which version of the flag decides: its label, or a hash of what it says, so that two versions that decide alike have
 * one name.
 *
 * @param label as AppConfig answers it (`VersionLabel`); one that fits no log line counts as none
 */
export function configVersion(flag: Flag, label: string | undefined): string {
  if (label !== undefined && CONFIG_VERSION.test(label)) return label;
  const { enabled, rollout_percentage, pilot_enterprises, cache_ttl_seconds } = flag;
  const content = JSON.stringify([enabled, rollout_percentage, pilot_enterprises, cache_ttl_seconds]);
  return `content-${createHash('sha256').update(content).digest('hex').slice(0, 12)}`;
}

/** The flag of a developer who does not want to wait for a deployment: on, or off, for everybody. */
export function overridden(flag: Flag, isOn: boolean): VersionedFlag {
  return { ...flag, enabled: isOn, rollout_percentage: 100, config_version: 'override' };
}

/** What the flag says of one enterprise, and why. */
export interface Evaluation {
  readonly isOn: boolean;
  readonly reason: EvaluationReason;
}

/**
 * Whether learning time is added for an enterprise: by name as a pilot, or by its bucket.
 *
 * Raising the percentage never drops an enterprise, lowering it never adds one: buckets do not move.
 *
 * @param enterpriseId in canonical form
 */
export function evaluateFlag(flag: Flag, enterpriseId: string): Evaluation {
  if (!flag.enabled) return { isOn: false, reason: 'off' };
  if (flag.pilot_enterprises.includes(enterpriseId)) return { isOn: true, reason: 'pilot' };
  if (bucket(enterpriseId) < flag.rollout_percentage) return { isOn: true, reason: 'within_percentage' };
  return { isOn: false, reason: 'beyond_percentage' };
}

/**
 * Where an enterprise stands in a rollout, from 0 (first in) up to but not including 100. The flag's key is hashed too,
 * so that the enterprises that go first are others for another flag.
 *
 * @param enterpriseId in canonical form
 */
export function bucket(enterpriseId: string, flagKey: string = FLAG_KEY): number {
  const digest = createHash('sha256').update(`${flagKey}:${enterpriseId}`).digest();
  return (digest.readUInt32BE(0) / 2 ** 32) * 100;
}

function nonsense(fault: string): ParsedFlag {
  return { flag: flagSchema.parse({ enabled: false }), faults: [fault], isNonsense: true };
}

/** The part of a zod field that is used here: a field with a default answers it for undefined. */
interface Field<V> {
  safeParse(value: unknown): { success: true; data: V } | { success: false; error: { issues: { message: string }[] } };
  parse(value: undefined): V;
}

function attribute<V>(field: Field<V>, entry: Record<string, unknown>, name: keyof Flag, faults: string[]): V {
  const result = field.safeParse(entry[name]);
  if (result.success) return result.data;
  const value = field.parse(undefined);
  faults.push(`${name}: ${result.error.issues[0]?.message}; taken as ${JSON.stringify(value)}`);
  return value;
}
