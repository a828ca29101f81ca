import { GetEnvironmentCommand, type Monitor, UpdateEnvironmentCommand } from '@aws-sdk/client-appconfig';
import { noteInterruption } from '../shared/interruption.ts';
import type { Stage } from '../shared/stage.ts';
import type { Profile } from './configuration.ts';
import { environmentOf, TakenBack } from './deployments.ts';

/**
 * Does something while no alarm watches over a configuration, and lets them watch again afterwards, whatever came of it: after
 * the first Ctrl-C too, which the step does not notice, and where it is not known whether they were taken away.
 *
 * AppConfig rolls back what is deployed while one of its environment's alarms rings (AppConfig User Guide, "Monitoring
 * deployments for automatic rollback"), and an alarm that rings is no reason to keep the flag on, or to go on sending to a
 * partner that fails.
 */
export async function withoutMonitors<T>(
  stage: Stage,
  profile: Profile,
  print: (line: string) => void,
  step: () => Promise<T>,
): Promise<T> {
  const monitors = await monitorsOf(stage, profile);
  const watch = (some: readonly Monitor[]) =>
    stage.appConfig.send(new UpdateEnvironmentCommand({ ...environmentOf(stage, profile), Monitors: [...some] }));
  // None, or another operator is at it, who puts them back: an empty list put back after that would take them away for good.
  if (monitors.length === 0) return step();
  print(`the alarms that watch over the ${profile.name} are not heeded meanwhile`);
  const interruption = noteInterruption();
  try {
    await watch([]);
    return await step();
  } finally {
    await watch(monitors).catch((thrown: Error) => {
      const names = monitors.map(({ AlarmArn }) => AlarmArn?.split(':').at(-1)).join(', ');
      print(`the alarms could not be put back (${thrown.name}): add them to the environment in the console: ${names}`);
    });
    interruption.ignore();
  }
}

/** Deploys, and where an alarm has that taken back, deploys again while none watches. */
export function deployWhateverRings<T>(
  stage: Stage,
  profile: Profile,
  print: (line: string) => void,
  deploy: () => Promise<T>,
): Promise<T> {
  return deploy().catch((thrown: unknown) => {
    if (!(thrown instanceof TakenBack)) throw thrown;
    print(thrown.message);
    return withoutMonitors(stage, profile, print, deploy);
  });
}

/** The alarms that take back what does harm while it bakes. */
export async function monitorsOf(stage: Stage, profile: Profile): Promise<readonly Monitor[]> {
  const { Monitors = [] } = await stage.appConfig.send(new GetEnvironmentCommand(environmentOf(stage, profile)));
  return Monitors;
}
