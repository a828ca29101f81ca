import type { Flag } from '../../lambdas/flag/flag-document.ts';
import { readVersion } from '../appconfig/configuration.ts';
import { POLL_INTERVAL_MS } from '../appconfig/deployed-document.ts';
import {
  isOccupying,
  listDeployments,
  type ServedDeployment,
  servedDeployment,
  untilServed,
} from '../appconfig/deployments.ts';
import { deployWhateverRings } from '../appconfig/without-monitors.ts';
import type { Context } from '../shared/context.ts';
import type { Stage } from '../shared/stage.ts';
import { deployAgainstAll, stopRunning } from './emergency-deployment.ts';
import { FLAG, readFlagDocument } from './flag-document.ts';
import { findKnownEnterprises, formatChange } from './format-flag.ts';
import { versionThatIsOff } from './version-that-is-off.ts';

/**
 * `flag disable`: the emergency switch. Whatever is under way is taken back first, whatever the document holds, and
 * whichever alarm rings; what is only told comes after the switch.
 */
export async function disable(stageName: string, context: Context): Promise<number> {
  const { print } = context.terminal;
  const stage = await context.openStage(stageName);
  const before = await orNothing(() => servedDeployment(stage, FLAG));
  if (await isOffForGood(stage, before)) {
    print('nothing to do: the flag is off already, and no deployment is under way');
    return 0;
  }
  const stopped = await stopRunning(stage, print);
  const version = await versionThatIsOff(stage, await orNothing(() => servedDeployment(stage, FLAG, stopped)), print);
  const deploy = async () => {
    const deployment = await deployAgainstAll(stage, { version, description: 'disable' }, context);
    print(`deployment ${deployment}, of version ${version}, is started: to all functions at once, without a bake time`);
    await untilServed(stage, deployment, context, FLAG);
  };
  await deployWhateverRings(stage, FLAG, print, deploy);
  print(`done: the flag is off (stage ${stage.name}). Functions notice within ${POLL_INTERVAL_MS / 1000} s.`);
  print(await formatSwitch(stage, before, version));
  return 0;
}

/** Off, and nothing is under way that might change it. */
async function isOffForGood(stage: Stage, served: ServedDeployment | undefined): Promise<boolean> {
  if (served === undefined) return false;
  const [newest] = await listDeployments(stage, FLAG);
  if (newest === undefined || isOccupying(newest)) return false;
  return (await flagOf(stage, served.version))?.enabled === false;
}

async function formatSwitch(stage: Stage, before: ServedDeployment | undefined, version: number): Promise<string> {
  const [was, is] = await Promise.all([before?.version, version].map((number) => flagOf(stage, number)));
  if (was === undefined || is === undefined) {
    return `For whom that changes what cannot be told: version ${before?.version ?? 'none'} does not say who had it`;
  }
  return formatChange(was, is, await findKnownEnterprises(stage));
}

/** Undefined where it cannot be read, for whatever reason. */
async function flagOf(stage: Stage, version: number | undefined): Promise<Flag | undefined> {
  if (version === undefined) return undefined;
  return orNothing(async () => readFlagDocument(await readVersion(stage, FLAG, version)).flag);
}

/** Reading must not keep the switch from being thrown: where AppConfig does not answer, the next step says so. */
function orNothing<T>(step: () => Promise<T>): Promise<T | undefined> {
  return step().catch(() => undefined);
}
