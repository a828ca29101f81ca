import { DEFAULT_CACHE_TTL_SECONDS, FLAG_BOUNDS, FLAG_KEY } from '../../lambdas/flag/flag-document.ts';
import { createVersion, readVersion } from '../appconfig/configuration.ts';
import type { ServedDeployment } from '../appconfig/deployments.ts';
import { awsFailure, CommandFailed, whereOf } from '../shared/failures.ts';
import type { Stage } from '../shared/stage.ts';
import { FLAG, type FlagDocument, readFlagDocument, withFlag } from './flag-document.ts';

/** The seed that the stack made: frozen, off, and valid, so that it needs nothing but a deployment. */
const SEED_VERSION = 1;

const DESCRIPTION = 'disable';

/**
 * A version with the flag off, to deploy in an emergency: the served one with nothing else changed; where that fails,
 * whatever the reason, the stack's seed; where that is gone or on, a document made here.
 *
 * @param served undefined where nothing is
 * @returns the version's number
 */
export async function versionThatIsOff(
  stage: Stage,
  served: ServedDeployment | undefined,
  print: (line: string) => void,
): Promise<number> {
  try {
    if (served === undefined) throw new CommandFailed('nothing is deployed');
    const document = readFlagDocument(await readVersion(stage, FLAG, served.version));
    return document.flag.enabled ? await make(stage, withFlag(document, { enabled: false }), print) : served.version;
  } catch (thrown) {
    print(
      `${reasonOf(thrown, stage)}: so a document with the usual cache time, no percentage and no pilots is deployed`,
    );
  }
  try {
    if (!readFlagDocument(await readVersion(stage, FLAG, SEED_VERSION)).flag.enabled) return SEED_VERSION;
    print(`version ${SEED_VERSION} is not off`);
  } catch (thrown) {
    print(`version ${SEED_VERSION} cannot be used: ${reasonOf(thrown, stage)}`);
  }
  return make(stage, LAST_RESORT, print);
}

/** Without the lock on the latest version: an emergency waits for nobody's draft, and does away with none. */
async function make(stage: Stage, document: FlagDocument, print: (line: string) => void): Promise<number> {
  const version = await createVersion(stage, FLAG, { content: FLAG.write(document), description: DESCRIPTION });
  if (version === undefined) throw new CommandFailed('AppConfig made a version without a number');
  print(`version ${version} of the flag is made`);
  return version;
}

/** With the attributes, so that the flag can be switched on again. */
const LAST_RESORT = readFlagDocument(
  JSON.stringify({
    version: '1',
    flags: {
      [FLAG_KEY]: {
        name: 'Learning time in webhooks',
        attributes: {
          rollout_percentage: { constraints: { type: 'number', required: true, ...FLAG_BOUNDS.rolloutPercentage } },
          pilot_enterprises: {
            constraints: { type: 'array', elements: { type: 'string' } },
          },
          cache_ttl_seconds: { constraints: { type: 'number', required: true, ...FLAG_BOUNDS.cacheTtlSeconds } },
        },
      },
    },
    values: {
      [FLAG_KEY]: { enabled: false, rollout_percentage: 0, cache_ttl_seconds: DEFAULT_CACHE_TTL_SECONDS },
    },
  }),
);

function reasonOf(thrown: unknown, { name }: Stage): string {
  if (thrown instanceof CommandFailed) return thrown.message;
  return awsFailure(thrown, whereOf(name)) ?? String(thrown);
}
