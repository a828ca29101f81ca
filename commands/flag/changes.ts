import type { Flag } from '../../lambdas/flag/flag-document.ts';
import type { FlagChange } from './change-flag.ts';

/** AppConfig's limit for descriptions, in characters. */
const MAX_DESCRIPTION_LENGTH = 1024;

export function enable(): FlagChange {
  return {
    description: 'enable',
    edit: ({ enabled }) => (enabled ? 'the flag is on already' : { enabled: true }),
  };
}

/** @param percentage of enterprises, whole */
export function percent(percentage: number): FlagChange {
  return {
    description: `percent ${percentage}`,
    edit: ({ rollout_percentage: before }) =>
      before === percentage ? `the percentage is ${before} already` : { rollout_percentage: percentage },
  };
}

export function cacheTime(seconds: number): FlagChange {
  return {
    description: `ttl ${seconds}`,
    edit: ({ cache_ttl_seconds: before }) =>
      before === seconds ? `the cache time is ${before} s already` : { cache_ttl_seconds: seconds },
  };
}

/** @param ids in canonical form */
export function addPilots(ids: readonly string[]): FlagChange {
  return pilots('add', ids, 'pilots already', (before) => {
    return [...new Set([...before, ...ids])];
  });
}

/** @param ids in canonical form */
export function removePilots(ids: readonly string[]): FlagChange {
  return pilots('remove', ids, 'no pilots', (before) => before.filter((id) => !ids.includes(id)));
}

function pilots(
  verb: string,
  ids: readonly string[],
  nothing: string,
  editList: (before: readonly string[]) => string[],
): FlagChange {
  return {
    description: `pilot ${verb} ${ids.join(' ')}`.slice(0, MAX_DESCRIPTION_LENGTH),
    edit({ pilot_enterprises: before }: Flag) {
      const after = editList(before);
      if (after.length !== before.length) return { pilot_enterprises: after };
      return `${nothing}: ${ids.join(', ')}. Pilots are ${before.length === 0 ? 'none' : before.join(', ')}`;
    },
  };
}
