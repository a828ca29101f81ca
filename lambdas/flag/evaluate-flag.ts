import { createHash } from 'node:crypto';
import { isRecord, parseJson } from '../shared/json.ts';
import { type Evaluation, evaluateAt } from './evaluation.ts';
import { CONFIG_VERSION, FLAG_KEY, type Flag, flagSchema, type VersionedFlag } from './flag-document.ts';

/** A flag that was read from its document. */
export interface ParsedFlag {
  readonly flag: Flag;
  /** What is wrong with the document, for a warning. */
  readonly faults: readonly string[];
  /** Whether a previous usable version must stay in effect. A flag that is off or missing is always usable. */
  readonly isUnusable: boolean;
}

/**
 * Reads the flag from the flat document of `GetLatestConfiguration`: `{[FLAG_KEY]: {enabled, …attributes}}`.
 *
 * It is fail-safe and never throws. The flag is off unless the document clearly switches it on. An invalid attribute gets
 * its default (0%, no pilots, one hour) and does not affect the others. A fault names the attribute, not its value.
 */
export function parseFlag(text: string): ParsedFlag {
  const document = parseJson(text);
  if (!isRecord(document)) return unusable('the document is not a JSON object; taken as off');
  const entry = document[FLAG_KEY];
  if (!isRecord(entry)) return { ...unusable(`there is no flag ${FLAG_KEY}; taken as off`), isUnusable: false };
  if (typeof entry.enabled !== 'boolean') return unusable('enabled is neither true nor false; taken as off');
  const faults: string[] = [];
  const { rollout_percentage, pilot_enterprises, cache_ttl_seconds } = flagSchema.shape;
  const flag = {
    enabled: entry.enabled,
    rollout_percentage: attribute(rollout_percentage, entry, 'rollout_percentage', faults),
    pilot_enterprises: attribute(pilot_enterprises, entry, 'pilot_enterprises', faults),
    cache_ttl_seconds: attribute(cache_ttl_seconds, entry, 'cache_ttl_seconds', faults),
  };
  return { flag, faults, isUnusable: entry.enabled && faults.length > 0 };
}

/**
 * The name of a flag's version: its label, or a hash of its content, so that two equal versions have one name.
 *
 * @param label AppConfig's `VersionLabel`; ignored unless it matches `CONFIG_VERSION`
 */
export function configVersion(flag: Flag, label: string | undefined): string {
  if (label !== undefined && CONFIG_VERSION.test(label)) return label;
  const { enabled, rollout_percentage, pilot_enterprises, cache_ttl_seconds } = flag;
  const content = JSON.stringify([enabled, rollout_percentage, pilot_enterprises, cache_ttl_seconds]);
  return `content-${createHash('sha256').update(content).digest('hex').slice(0, 12)}`;
}

/** Overrides the flag for development: on or off for all enterprises, without a deployment. */
export function overridden(flag: Flag, isOn: boolean): VersionedFlag {
  return { ...flag, enabled: isOn, rollout_percentage: 100, config_version: 'override' };
}

/**
 * Whether learning time is added for an enterprise: because it is a pilot, or by its bucket.
 *
 * Buckets are stable: raising the percentage never removes an enterprise, and lowering it never adds one.
 *
 * @param enterpriseId in canonical form
 */
export function evaluateFlag(flag: Flag, enterpriseId: string): Evaluation {
  return evaluateAt(flag, enterpriseId, bucket);
}

/**
 * The position of an enterprise in a rollout, in [0, 100), 0 being the first. The flag's key is part of the hash, so that
 * different flags start with different enterprises.
 *
 * @param enterpriseId in canonical form
 */
export function bucket(enterpriseId: string): number {
  const digest = createHash('sha256').update(`${FLAG_KEY}:${enterpriseId}`).digest();
  return (digest.readUInt32BE(0) / 2 ** 32) * 100;
}

function unusable(fault: string): ParsedFlag {
  return { flag: flagSchema.parse({ enabled: false }), faults: [fault], isUnusable: true };
}

/** The part of a zod field that is used here. A field with a default parses undefined as that default. */
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
