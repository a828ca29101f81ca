import type { GetDeploymentCommandOutput } from '@aws-sdk/client-appconfig';
import { POLL_INTERVAL_MS } from '../appconfig/deployed-document.ts';
import { getDeployment, ROLLED_BACK, RolledBack } from '../appconfig/deployments.ts';
import type { Context } from '../shared/context.ts';
import { CommandFailed } from '../shared/failures.ts';
import { counted } from '../shared/format.ts';
import type { Stage } from '../shared/stage.ts';
import { FLAG } from './flag-document.ts';

/** Interval of polling, and its limit after the time at which the deployment should have ended, in milliseconds. */
const LOOK_EVERY_MS = 2_000;
const OVERDUE_MS = 10 * 60_000;

const MINUTE_MS = 60_000;

type Times = Pick<GetDeploymentCommandOutput, 'StartedAt' | 'DeploymentDurationInMinutes' | 'FinalBakeTimeInMinutes'>;

/** Time until a deployment ends, in milliseconds; negative where it is overdue. */
export function leftMs(
  { StartedAt, DeploymentDurationInMinutes: minutes = 0, FinalBakeTimeInMinutes: bakeMinutes = 0 }: Times,
  nowMs: number,
): number {
  return (StartedAt?.getTime() ?? nowMs) + (minutes + bakeMinutes) * MINUTE_MS - nowMs;
}

/** `6 minutes left`, rounded up. */
export function formatTimeLeft(leftForMs: number): string {
  const minutes = Math.ceil(leftForMs / MINUTE_MS);
  if (minutes < 1) return 'about to end';
  return `${counted(minutes, 'minute')} left`;
}

/**
 * Follows a deployment of the flag until it has baked, or until Ctrl-C, which does not stop the deployment.
 *
 * @returns whether it is complete
 * @throws CommandFailed where it was rolled back
 */
export async function followDeployment(stage: Stage, number: number, context: Context): Promise<boolean> {
  const { terminal, now, sleep } = context;
  const interruption = context.noteInterruption();
  let lastLine = '';
  let isServed = false;
  try {
    for (;;) {
      const deployment = await getDeployment(stage, FLAG, number);
      const { State: state, PercentageComplete: percent = 0 } = deployment;
      if (ROLLED_BACK.includes(state)) throw new RolledBack(number, deployment);
      if (!isServed && (state === 'BAKING' || state === 'COMPLETE')) {
        isServed = true;
        terminal.print(formatServed(deployment));
      }
      if (state === 'COMPLETE') return true;
      const left = leftMs(deployment, now());
      if (left < -OVERDUE_MS) throw new CommandFailed(`deployment ${number} is still ${state}, 10 minutes late`);
      if (interruption.isRequested()) {
        terminal.print(howToContinue(stage, number));
        return false;
      }
      const progress = state === 'BAKING' ? formatTimeLeft(left) : `${percent} % of functions`;
      const line = `deployment ${number}: ${state}, ${progress}`;
      if (line !== lastLine) terminal.print(line);
      lastLine = line;
      await sleep(LOOK_EVERY_MS);
    }
  } finally {
    interruption.ignore();
  }
}

function formatServed({ State, FinalBakeTimeInMinutes: minutes }: GetDeploymentCommandOutput): string {
  const notice = `functions notice within ${POLL_INTERVAL_MS / 1000} s`;
  if (State === 'COMPLETE') return notice;
  return `${notice}. It bakes for ${minutes} minutes: AppConfig rolls it back if an alarm of its environment fires.
Ctrl-C ends this command, but not the deployment.`;
}

function howToContinue(stage: Stage, number: number): string {
  return `deployment ${number} continues without this command:
  ./ltw flag status --stage ${stage.name}   shows its progress
  ./ltw flag revert --stage ${stage.name}   stops and undoes it`;
}
