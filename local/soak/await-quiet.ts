import { output } from '../demo/operator.ts';
import type { Session } from '../demo/session.ts';

/** Runs the clock until there are no messages and no running executions. @throws NotReached */
export async function awaitQuiet(session: Session): Promise<void> {
  await session.until('nothing under way', () => underWay(session) === 0);
}

/** Number of messages, visible or not, and of running executions. */
function underWay({ platform }: Session): number {
  const running = platform.stateMachine.executions().filter(({ status }) => status === 'RUNNING').length;
  const queues = ['EventsQueueUrl', 'DeliveriesQueueUrl', 'OutcomesQueueUrl'];
  const messages = queues.flatMap((name) => platform.queues.messages(output(platform, name)));
  return messages.length + running;
}
