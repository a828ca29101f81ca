import type { DeploymentSummary } from '@aws-sdk/client-appconfig';
import { DEFAULT_CACHE_TTL_SECONDS, FLAG_BOUNDS, FLAG_KEY, type Flag } from '../../lambdas/flag/flag-document.ts';
import { createVersion, readVersion } from '../appconfig/configuration.ts';
import { POLL_INTERVAL_MS } from '../appconfig/deployed-document.ts';
import {
  isOccupying,
  listDeployments,
  type ServedDeployment,
  servedDeployment,
  startDeployment,
  stopDeployment,
  untilServed,
} from '../appconfig/deployments.ts';
import { deployDespiteAlarms } from '../appconfig/without-monitors.ts';
import type { Context } from '../shared/context.ts';
import { awsFailure, CommandFailed, whereOf } from '../shared/failures.ts';
import type { Stage } from '../shared/stage.ts';
import { FLAG, type FlagDocument, readFlagDocument, withFlag } from './flag-document.ts';
import { findKnownEnterprises, formatChange } from './format-flag.ts';

/** Interval and limit of requests to start the deployment, in milliseconds. */
const START_EVERY_MS = 2_000;
const START_LIMIT_MS = 2 * 60_000;

/** The stack's first version (`lib/flag-seed.ts`): off and valid, so that it needs nothing but a deployment. */
const SEED_VERSION = 1;

const DESCRIPTION = 'disable';

type Print = (line: string) => void;

/**
 * `flag disable`: the emergency switch. It first stops a deployment that is in progress, then deploys a version that is off,
 * whatever the deployed document holds and whichever alarm is in ALARM. What the change affects is printed last.
 */
export async function disable(stageName: string, context: Context): Promise<number> {
  const { print } = context.terminal;
  const stage = await context.openStage(stageName);
  const before = await orUndefined(() => servedDeployment(stage, FLAG));
  if (await isOffForGood(stage, before)) {
    print('nothing to do: the flag is off already, and no deployment is in progress');
    return 0;
  }
  const stopped = await stopRunning(stage, print);
  const version = await versionThatIsOff(stage, await orUndefined(() => servedDeployment(stage, FLAG, stopped)), print);
  await deployDespiteAlarms(stage, FLAG, print, async () => {
    const deployment = await startDespiteOthers(stage, version, context);
    print(`deployment ${deployment} of version ${version} is started: for all functions at once, without a bake time`);
    await untilServed(stage, deployment, context, FLAG);
  });
  print(`done: the flag is off (stage ${stage.name}). Functions notice within ${POLL_INTERVAL_MS / 1000} s.`);
  print(await formatSwitch(stage, before, version));
  return 0;
}

/** Off, and no deployment is in progress that might change it. */
async function isOffForGood(stage: Stage, served: ServedDeployment | undefined): Promise<boolean> {
  const [newest] = await listDeployments(stage, FLAG);
  if (served === undefined || newest === undefined || isOccupying(newest)) return false;
  return (await flagOf(stage, served.version))?.enabled === false;
}

/**
 * Stops a deployment that is in progress, except another operator's `disable`, which ends by itself.
 *
 * @returns the deployment's number; undefined where there is none, or AppConfig does not stop it
 */
async function stopRunning(stage: Stage, print: Print): Promise<number | undefined> {
  const [newest] = await listDeployments(stage, FLAG);
  const { DeploymentNumber: number, State: state } = newest ?? {};
  if (newest === undefined || number === undefined || !isOccupying(newest)) return undefined;
  if (await isSwitchingOff(stage, newest)) return undefined;
  if (state === 'ROLLING_BACK') return number;
  try {
    await stopDeployment(stage, FLAG, number);
    print(`deployment ${number} (${state}) is stopped and rolled back`);
  } catch (thrown) {
    // It has ended meanwhile, or another operator has stopped it. If it is still in progress, the next step fails.
    if ((thrown as Error).name !== 'BadRequestException') throw thrown;
  }
  return number;
}

/** Whether a deployment switches the flag off without a bake time, in which an alarm could roll it back. */
async function isSwitchingOff(stage: Stage, deployment: DeploymentSummary): Promise<boolean> {
  const { State: state, FinalBakeTimeInMinutes: bakeMinutes, ConfigurationVersion: version } = deployment;
  if (state === 'ROLLING_BACK' || bakeMinutes !== 0) return false;
  return (await flagOf(stage, Number(version)))?.enabled === false;
}

/**
 * A version with the flag off, to deploy in an emergency: the served one with nothing else changed; where that fails,
 * whatever the reason, the stack's seed; where that is gone or on, the last resort.
 *
 * @param served undefined where nothing is
 * @returns the version's number
 */
async function versionThatIsOff(stage: Stage, served: ServedDeployment | undefined, print: Print): Promise<number> {
  try {
    if (served === undefined) throw new CommandFailed('nothing is deployed');
    const document = readFlagDocument(await readVersion(stage, FLAG, served.version));
    return document.flag.enabled ? await make(stage, withFlag(document, { enabled: false }), print) : served.version;
  } catch (thrown) {
    print(
      `${reasonOf(thrown, stage)}: instead a document with the default cache time, percentage 0 and no pilots is deployed`,
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

/** With the attributes, so that the flag can be switched on again. */
const LAST_RESORT = readFlagDocument(
  JSON.stringify({
    version: '1',
    flags: {
      [FLAG_KEY]: {
        name: 'Learning time in webhooks',
        attributes: {
          rollout_percentage: { constraints: { type: 'number', required: true, ...FLAG_BOUNDS.rolloutPercentage } },
          pilot_enterprises: { constraints: { type: 'array', elements: { type: 'string' } } },
          cache_ttl_seconds: { constraints: { type: 'number', required: true, ...FLAG_BOUNDS.cacheTtlSeconds } },
        },
      },
    },
    values: { [FLAG_KEY]: { enabled: false, rollout_percentage: 0, cache_ttl_seconds: DEFAULT_CACHE_TTL_SECONDS } },
  }),
);

/** Without the lock on the latest version, so that another operator’s draft neither delays an emergency nor is overwritten. */
async function make(stage: Stage, document: FlagDocument, print: Print): Promise<number> {
  const version = await createVersion(stage, FLAG, { content: FLAG.write(document), description: DESCRIPTION });
  print(`version ${version} of the flag is created`);
  return version;
}

/**
 * Deploys at once and without a bake time. AppConfig refuses while another deployment is rolled back, and another operator
 * may start one: that is stopped too.
 *
 * @returns the deployment's number
 * @throws CommandFailed where AppConfig still refuses after two minutes
 */
async function startDespiteOthers(stage: Stage, version: number, { terminal, now, sleep }: Context): Promise<number> {
  const endMs = now() + START_LIMIT_MS;
  for (;;) {
    try {
      return await startDeployment(stage, FLAG, {
        version,
        strategy: 'EmergencyStrategyId',
        description: DESCRIPTION,
      });
    } catch (thrown) {
      if ((thrown as Error).name !== 'ConflictException') throw thrown;
    }
    if (now() >= endMs) {
      const [newest] = await listDeployments(stage, FLAG);
      throw new CommandFailed(
        `the flag is not off: deployment ${newest?.DeploymentNumber} is still ${newest?.State} after ${START_LIMIT_MS / 60_000} minutes, and AppConfig runs one at a time. Run the same command again`,
      );
    }
    await stopRunning(stage, terminal.print);
    await sleep(START_EVERY_MS);
  }
}

async function formatSwitch(stage: Stage, before: ServedDeployment | undefined, version: number): Promise<string> {
  const [was, is] = await Promise.all([before?.version, version].map((number) => flagOf(stage, number)));
  if (was === undefined || is === undefined) {
    return `Which enterprises that affects is not known: version ${before?.version ?? 'none'} cannot be read`;
  }
  return formatChange(was, is, await findKnownEnterprises(stage));
}

/** Undefined where it cannot be read, for whatever reason. */
async function flagOf(stage: Stage, version: number | undefined): Promise<Flag | undefined> {
  if (version === undefined) return undefined;
  return orUndefined(async () => readFlagDocument(await readVersion(stage, FLAG, version)).flag);
}

/** A read that fails must not stop the switch: where AppConfig does not respond, the next step fails and says so. */
function orUndefined<T>(step: () => Promise<T>): Promise<T | undefined> {
  return step().catch(() => undefined);
}

function reasonOf(thrown: unknown, { name }: Stage): string {
  if (thrown instanceof CommandFailed) return thrown.message;
  return awsFailure(thrown, whereOf(name)) ?? String(thrown);
}
