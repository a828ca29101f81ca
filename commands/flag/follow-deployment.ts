import type { GetDeploymentCommandOutput } from '@aws-sdk/client-appconfig';
import { POLL_INTERVAL_MS } from '../appconfig/deployed-document.ts';
import { getDeployment, takenBack } from '../appconfig/deployments.ts';
import type { Context } from '../shared/context.ts';
import { CommandFailed } from '../shared/failures.ts';
import { counted } from '../shared/format.ts';
import { noteInterruption } from '../shared/interruption.ts';
import type { Stage } from '../shared/stage.ts';
import { FLAG } from './flag-document.ts';

/** How often a deployment is looked at, and for how long after it should have ended, in milliseconds. */
const LOOK_EVERY_MS = 2_000;
const OVERDUE_MS = 10 * 60_000;

const MINUTE_MS = 60_000;

type Times = Pick<GetDeploymentCommandOutput, 'StartedAt' | 'DeploymentDurationInMinutes' | 'FinalBakeTimeInMinutes'>;

/** How long a deployment takes until it has ended, in milliseconds; negative where it is overdue. */
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
 * Follows a deployment of the flag until it has baked, or until Ctrl-C: that ends no deployment.
 *
 * @returns whether it has ended well
 * @throws CommandFailed where it was taken back
 */
export async function followDeployment(stage: Stage, number: number, context: Context): Promise<boolean> {
  const { terminal, now, sleep } = context;
  const interruption = noteInterruption();
  let said = '';
  const say = (line: string) => {
    if (line !== said) terminal.print(line);
    said = line;
  };
  let isServed = false;
  try {
    for (;;) {
      const deployment = await getDeployment(stage, FLAG, number);
      const { State: state, EventLog: events, PercentageComplete: percent = 0 } = deployment;
      if (state === 'ROLLED_BACK' || state === 'REVERTED') throw takenBack(number, state, events);
      if (!isServed && (state === 'BAKING' || state === 'COMPLETE')) {
        isServed = true;
        terminal.print(formatServed(deployment));
      }
      if (state === 'COMPLETE') return true;
      const left = leftMs(deployment, now());
      if (left < -OVERDUE_MS) throw new CommandFailed(`deployment ${number} is still ${state}, 10 minutes late`);
      if (interruption.isRequested()) {
        terminal.print(goesOn(stage, number));
        return false;
      }
      say(`deployment ${number}: ${state}, ${state === 'BAKING' ? formatTimeLeft(left) : `${percent} % of functions`}`);
      await sleep(LOOK_EVERY_MS);
    }
  } finally {
    interruption.ignore();
  }
}

function formatServed({ State, FinalBakeTimeInMinutes: minutes }: GetDeploymentCommandOutput): string {
  const notice = `functions notice within ${POLL_INTERVAL_MS / 1000} s`;
  if (State === 'COMPLETE') return notice;
  return `${notice}. It bakes for ${minutes} minutes: AppConfig takes it back where an alarm of its environment goes off.
Ctrl-C ends this command, and not the deployment.`;
}

function goesOn(stage: Stage, number: number): string {
  return `deployment ${number} goes on without this command:
  ./ltw flag status --stage ${stage.name}   says how far it is
  ./ltw flag revert --stage ${stage.name}   ends it, and undoes what it deployed`;
}
