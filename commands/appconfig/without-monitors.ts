import { GetEnvironmentCommand, type Monitor, UpdateEnvironmentCommand } from '@aws-sdk/client-appconfig';
import { noteInterruption } from '../shared/interruption.ts';
import type { Stage } from '../shared/stage.ts';
import type { Profile } from './configuration.ts';
import { environmentOf, RolledBack } from './deployments.ts';

/**
 * Runs a step while no alarm monitors an environment, and restores the monitors afterwards: also where the step fails, after
 * the first Ctrl-C, which the step does not notice, and where the response to their removal was lost.
 *
 * AppConfig rolls back what is deployed while one of its environment's alarms is in ALARM (AppConfig User Guide, "Monitoring
 * deployments for automatic rollback"). An alarm must not keep the flag on, or keep events flowing to a partner that fails.
 */
export async function withoutMonitors<T>(
  stage: Stage,
  profile: Profile,
  print: (line: string) => void,
  step: () => Promise<T>,
): Promise<T> {
  const monitors = await monitorsOf(stage, profile);
  const setMonitors = (some: readonly Monitor[]) =>
    stage.appConfig.send(new UpdateEnvironmentCommand({ ...environmentOf(stage, profile), Monitors: [...some] }));
  // None, or another operator has removed them and will restore them: an empty list must not be restored after that.
  if (monitors.length === 0) return step();
  print(`the alarms of the ${profile.name} environment are ignored meanwhile`);
  const interruption = noteInterruption();
  try {
    await setMonitors([]);
    return await step();
  } finally {
    await setMonitors(monitors).catch((thrown: Error) => {
      const names = monitors.map(({ AlarmArn }) => AlarmArn?.split(':').at(-1)).join(', ');
      print(`the alarms could not be restored (${thrown.name}): add them to the environment in the console: ${names}`);
    });
    interruption.ignore();
  }
}

/** Deploys, and where an alarm has that rolled back, deploys again without monitors. */
export function deployDespiteAlarms<T>(
  stage: Stage,
  profile: Profile,
  print: (line: string) => void,
  deploy: () => Promise<T>,
): Promise<T> {
  return deploy().catch((thrown: unknown) => {
    if (!(thrown instanceof RolledBack)) throw thrown;
    print(thrown.message);
    return withoutMonitors(stage, profile, print, deploy);
  });
}

/** The alarms that roll back a deployment while it bakes. */
export async function monitorsOf(stage: Stage, profile: Profile): Promise<readonly Monitor[]> {
  const { Monitors = [] } = await stage.appConfig.send(new GetEnvironmentCommand(environmentOf(stage, profile)));
  return Monitors;
}
