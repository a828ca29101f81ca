import { FEATURE_OVERRIDE } from '../lambdas/shared/environment.ts';
import type { Stage } from './stage-schema.ts';

/** As document 004 names them, of any feature. */
const ANY_OVERRIDE = /^FEATURE_.+_ENABLED$/;

/** Where people develop; anywhere else the console's word is the only one. */
const DEVELOPMENT = ['local', 'dev'];

/**
 * Reads `FEATURE_<NAME>_ENABLED` from the environment in which the stack is synthesized. A name that no feature has is
 * left alone where people develop (it may be another product's), and refused elsewhere as every other.
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
