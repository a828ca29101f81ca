import type { Phase } from '../../commands/rollout/criteria.ts';
import type { EvaluatedFlag } from '../../lambdas/flag/evaluation.ts';
import type { Flag } from '../../lambdas/flag/flag-document.ts';

/** A change of the flag that the operator has asked for, and has not confirmed. */
export interface FlagChange {
  readonly title: string;
  /** What follows `./ltw`. */
  readonly words: readonly string[];
  /** The flag as it was shown, and as it becomes. */
  readonly before: EvaluatedFlag;
  readonly after: EvaluatedFlag;
  /** The version that was shown. The command refuses to change another one. */
  readonly version: number;
}

interface Shown {
  readonly flag: Flag;
  readonly version: number;
}

/** `./ltw flag enable` */
export function enableChange(shown: Shown): FlagChange {
  return change(shown, 'Enable learning time', ['enable'], { enabled: true });
}

/** `./ltw flag percent N` */
export function percentChange(shown: Shown, percentage: number): FlagChange {
  return change(shown, `Set the percentage to ${percentage}`, ['percent', String(percentage)], {
    rollout_percentage: percentage,
  });
}

/** `./ltw flag ttl N`. @param seconds see `FLAG_BOUNDS` */
export function cacheTimeChange(shown: Shown, seconds: number): FlagChange {
  return change(shown, `Set the cache time to ${seconds} s`, ['ttl', String(seconds)], {});
}

/** `./ltw flag pilot add ID`. @param id in canonical form */
export function addPilotChange(shown: Shown, id: string): FlagChange {
  return change(shown, 'Add a pilot', ['pilot', 'add', id], {
    pilot_enterprises: [...shown.flag.pilot_enterprises, id],
  });
}

/** `./ltw flag pilot remove ID` */
export function removePilotChange(shown: Shown, id: string): FlagChange {
  return change(shown, 'Remove a pilot', ['pilot', 'remove', id], {
    pilot_enterprises: shown.flag.pilot_enterprises.filter((pilot) => pilot !== id),
  });
}

function change({ flag, version }: Shown, title: string, words: readonly string[], changes: Partial<Flag>): FlagChange {
  return {
    title,
    words: ['flag', ...words, '--if-version', String(version)],
    before: flag,
    after: { ...flag, ...changes },
    version,
  };
}

/** Reads a whole number within bounds. @returns undefined for anything else */
export function readWhole(text: string, { minimum, maximum }: Bounds): number | undefined {
  if (!/^\d{1,9}$/.test(text.trim())) return undefined;
  const value = Number(text);
  return value >= minimum && value <= maximum ? value : undefined;
}

interface Bounds {
  readonly minimum: number;
  readonly maximum: number;
}

/** Whether a command line can name an enterprise: a leading dash would be an option. */
export function isNameable(id: string): boolean {
  return /^[A-Za-z0-9_][A-Za-z0-9_-]{0,63}$/.test(id);
}

/** The phase of the guide that the flag is in; undefined if no enterprise has learning time. */
export function phaseOf({ enabled, rollout_percentage, pilot_enterprises }: EvaluatedFlag): Phase | undefined {
  if (!enabled) return undefined;
  if (rollout_percentage === 0) return pilot_enterprises.length > 0 ? 'pilot' : undefined;
  if (rollout_percentage <= 10) return 'limited';
  return rollout_percentage < 100 ? 'expanded' : 'full';
}
