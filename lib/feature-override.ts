import { FEATURE_OVERRIDE } from '../lambdas/shared/environment.ts';
import type { Stage } from './stage-schema.ts';

/** The variable of any feature (requirement S2). */
const ANY_OVERRIDE = /^FEATURE_.+_ENABLED$/;

/** The only stages in which a variable may override the flag. */
const DEVELOPMENT = ['local', 'dev'];

/**
 * Reads `FEATURE_<NAME>_ENABLED` from the environment of the synthesis. Development stages ignore names of unknown features,
 * which may belong to another product; other stages reject every such variable.
 *
 * @throws Error in one line that names the variable
 */
export function featureOverride(
  stageName: string,
  environment: Readonly<Record<string, string | undefined>>,
): Pick<Stage, 'featureOverride'> {
  const isSet = (name: string) => (environment[name] ?? '') !== '';
  const set = Object.keys(environment).filter((name) => ANY_OVERRIDE.test(name) && isSet(name));
  if (!DEVELOPMENT.includes(stageName) && set.length > 0) {
    throw new Error(`stage ${stageName}: ${set.sort().join(', ')} is for development only, unset it`);
  }
  if (!set.includes(FEATURE_OVERRIDE)) return {};
  const value = environment[FEATURE_OVERRIDE];
  if (value !== 'true' && value !== 'false') throw new Error(`${FEATURE_OVERRIDE} must be true or false`);
  return { featureOverride: value === 'true' };
}
