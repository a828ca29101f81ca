import type { Flag } from '../../lambdas/flag/flag-document.ts';
import { readDeployed } from '../appconfig/deployed-document.ts';
import { FLAG } from '../flag/flag-document.ts';
import { type Check, stageFlag } from './check.ts';
import { yes } from './finding.ts';

const WHAT = 'flag';

/** Reports whether the flag is on; either is a yes. */
export const flag: Check = {
  what: WHAT,
  async run({ stage }) {
    const { document, version } = await readDeployed(FLAG, stage);
    return [yes(WHAT, `version ${version} fits; ${reach(document.flag)}`)];
  },
  remedy: (stage) => `./ltw flag status ${stageFlag(stage)}`,
};

/** The enterprises for which the flag is on. An environment of `local` and `dev` may override it: `lib/feature-override.ts`. */
export function reach({ enabled, rollout_percentage: percentage, pilot_enterprises: pilots }: Flag): string {
  if (!enabled) return 'it is off';
  return `it is on, for ${percentage} % of enterprises and ${pilots.length} pilots`;
}
